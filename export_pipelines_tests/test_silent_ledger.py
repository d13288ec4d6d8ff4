"""A ledger whose server is away when an artifact has been committed and is not registered yet."""

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from export_pipelines.artifact_of_run import RunContext, run_export
from export_pipelines.artifacts import open_store
from export_pipelines.ledger import open_ledger
from export_pipelines.ledger.silence import LedgerSilent
from export_pipelines.mask.keys import Keys
from export_pipelines.pipeline import register
from export_pipelines.read.open_source import open_source
from export_pipelines_servers.databases import new_database
from export_pipelines_servers.fault_proxy import Fault, fault_proxy
from export_pipelines_tests.run.whole_run import NOW, plan_of, sample_url, token


@pytest.mark.parametrize("kind", ["refuse", "lost"])
def test_it_is_waited_for_and_the_artifact_is_recorded_once(
    kind: str, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`lost`: the server does what it is asked, and its answer does not come; `refuse`: it is asked for nothing."""
    monkeypatch.setattr("export_pipelines.pipeline.SILENCES_S", (0.05,) * 5)
    address = make_url(new_database(postgresql_url, f"away_{kind}"))
    store = open_store(str(tmp_path / "artifacts"))
    context = RunContext(open_source(sample_url(tmp_path)), store, Keys(), lambda: NOW)
    plan = plan_of()
    manifest = run_export(plan, context, token(1))
    assert address.port
    with fault_proxy(address.port) as proxy:
        ledger = open_ledger(address.set(port=proxy.port).render_as_string(hide_password=False))
        ledger.engine.dispose()
        proxy.fault = Fault(kind, times=2)
        register(plan, manifest, context, ledger, None, None)
        assert proxy.fault.times <= 0
        assert [record.artifact for record in ledger.windows(plan.export)] == [manifest.artifact]
        assert [entry.action for entry in ledger.audit()] == ["run"]
        proxy.fault = Fault("refuse", times=1000)
        ledger.engine.dispose()
        with pytest.raises(LedgerSilent):
            register(plan, manifest, context, ledger, None, None)
        proxy.fault = Fault()
        ledger.engine.dispose()
    assert store.manifests(plan.export) == [manifest]
