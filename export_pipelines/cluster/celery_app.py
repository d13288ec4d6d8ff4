"""The Celery app of launcher and workers. No result is kept: what became of a run is known from its lease and from Dagster."""

from collections.abc import Mapping

from celery import Celery

from export_pipelines.errors import ExportError
from export_pipelines.settings import Settings, project_root

TASK = "export_pipelines.run"
BROKER_S = 5.0  # a broker that does not answer by then is away
PUBLISH_TRIES = 2


def broker_of(environment: Mapping[str, str]) -> str:
    """The URL of the broker, from the variable or the file that it names; "" where there is none, which daemon and worker refuse
    at their start."""
    try:
        url = Settings.load(environment, project_root(environment)).broker_url
    except ExportError:
        return ""
    return url.get_secret_value() if url else ""


def celery_app(broker_url: str) -> Celery:
    """The app on the broker at `broker_url`."""
    app = Celery("export_pipelines", broker=broker_url)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=False,  # a message that came back would be of a run whose lease was taken: it is ignored
        task_publish_retry_policy={"max_retries": PUBLISH_TRIES, "interval_start": 0.2, "interval_step": 0.5},
        broker_connection_timeout=BROKER_S,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # a broker may be away for as long as it likes
        broker_transport_options={"socket_connect_timeout": BROKER_S, "socket_keepalive": True},
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,  # else a run waits behind a long one while another worker is idle
        worker_redirect_stdouts=False,  # Dagster captures them
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_send_task_events=False,
    )
    return app


def queue_of(version: str) -> str:
    """Each version of the program has a queue of its own, so old and new workers may run side by side."""
    return f"runs.{version}"
