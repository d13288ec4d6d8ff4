"""Groups become a report: metrics, series, pivot."""
