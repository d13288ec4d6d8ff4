"""1,000,000 leads from SQLite: the program's stream against the database driver alone."""

from benchmarks.timing import DAYS, FIRST_DAY, SEED, asked, compare

BARS = {"csv.gz": 1.5}


def main() -> None:
    given = asked(__doc__)
    compare(given, sample_store(given.leads), BARS)


def sample_store(leads: int) -> str:
    """The URL of a store of that size, made at the first call and kept."""
    from export_pipelines.sample import generate_leads
    from export_pipelines.settings import project_settings

    folder = project_settings().home / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"leads_{leads}.db"
    if not path.exists():
        print(f"making {leads:,} leads in {path} ...", flush=True)
        making = path.with_suffix(".making")
        making.unlink(missing_ok=True)
        generate_leads(f"sqlite:///{making}", leads, SEED, FIRST_DAY, DAYS)
        making.rename(path)
    return f"sqlite:///{path}"


if __name__ == "__main__":
    main()
