"""The Helm values: every key is one that Dagster's chart documents, the job of a run and the other manifests hold for Kubernetes.

The chart itself lies on no package index, so it is not rendered here: what it makes of the values is not shown."""

import copy
from pathlib import Path
from typing import Any

import dagster as dg
import kubernetes_validate
import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type

from export_pipelines_tests.conftest import REPOSITORY
from export_pipelines_tests.deploy.chart_keys import DOCUMENTED
from export_pipelines_tests.deploy.files import HELM

VERSION = kubernetes_validate.latest_version()


def at(path: str) -> list[dict[str, Any]]:
    value: Any = HELM
    for key in path.split(".") if path else ():
        value = value[key]
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("path", DOCUMENTED, ids=lambda path: path or "values")
def test_every_key_is_one_of_the_charts(path: str) -> None:
    for section in at(path):
        assert set(section) <= DOCUMENTED[path]


def launcher_config() -> dict[str, Any]:
    """The launcher's part of the dagster.yaml that the chart makes of the values."""
    values = HELM["runLauncher"]["config"]["k8sRunLauncher"]
    image = values["image"]
    names = {
        key: "".join(f"_{c.lower()}" if c.isupper() else c for c in key) for key in values["runK8sConfig"]
    }
    return {
        "load_incluster_config": values["loadInclusterConfig"],
        "job_image": f"{image['repository']}:{image['tag']}",
        "image_pull_policy": values["imagePullPolicy"],
        "dagster_home": HELM["global"]["dagsterHome"],
        "instance_config_map": "exports-dagster-instance",
        "postgres_password_secret": HELM["global"]["postgresqlSecretName"],
        "service_account_name": "exports-dagster",
        "env_secrets": [secret["name"] for secret in values["envSecrets"]],
        "env_vars": values["envVars"],
        "volumes": values["volumes"],
        "volume_mounts": values["volumeMounts"],
        "security_context": values["securityContext"],
        "run_k8s_config": {names[key]: section for key, section in values["runK8sConfig"].items()},
    }


def job_of_a_run(folder: Path) -> dict[str, Any]:
    """The job that Dagster's launcher asks the API for; no API is asked here."""
    # the client takes a second, which each worker would spend when it collects the tests
    from dagster_k8s import K8sRunLauncher
    from dagster_k8s.job import construct_dagster_k8s_job
    from kubernetes.client import ApiClient

    server = {"server": "http://127.0.0.1:1"}
    context = {"cluster": "none", "user": "none"}
    kubeconfig = {
        "clusters": [{"name": "none", "cluster": server}],
        "contexts": [{"name": "none", "context": context}],
        "users": [{"name": "none", "user": {}}],
        "current-context": "none",
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    config = launcher_config()
    schema = resolve_to_config_type(K8sRunLauncher.config_type())  # type: ignore[no-untyped-call]
    checked = process_config(schema, config)
    assert checked.success, checked.errors
    elsewhere = {"load_incluster_config": False, "kubeconfig_file": str(folder / "kubeconfig")}
    launcher = K8sRunLauncher(**{**config, **elsewhere})
    asked = launcher.get_container_context_for_run(dg.DagsterRun(job_name="daily"))
    job = construct_dagster_k8s_job(
        asked.get_k8s_job_config(job_image=None, run_launcher=launcher),
        ["dagster", "api", "execute_run"],
        "dagster-run-1",
        asked.run_k8s_config,
    )
    manifest: dict[str, Any] = ApiClient().sanitize_for_serialization(job)
    return manifest


def test_the_job_of_a_run_holds_for_kubernetes(tmp_path: Path) -> None:
    job = job_of_a_run(tmp_path)
    kubernetes_validate.validate(job, VERSION, strict=True)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "registry.example.com/export-pipelines:0.1.0"
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert pod["securityContext"]["runAsNonRoot"] and pod["automountServiceAccountToken"] is False
    assert {mount["mountPath"] for mount in container["volumeMounts"]} >= {
        "/run/keys",
        "/var/lib/export_pipelines",
    }
    variables = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert variables["DAGSTER_HOME"] == "/srv/export_pipelines"
    assert variables["EXPORT_PIPELINES_MASTER_KEY_FILE"] == "/run/keys/master_key"
    assert job["spec"]["backoffLimit"] == 0


@pytest.mark.parametrize(
    "manifest",
    HELM["extraManifests"],
    ids=lambda manifest: f"{manifest['kind']} {manifest['metadata']['name']}",
)
def test_a_manifest_of_ours_holds_for_kubernetes(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, VERSION, strict=True)
    if manifest["kind"] == "Deployment":
        pod = manifest["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def test_a_manifest_that_is_wrong_is_refused() -> None:
    wrong = copy.deepcopy(HELM["extraManifests"][0])
    wrong["spec"]["template"]["spec"]["containers"][0]["volumeMount"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


@pytest.mark.parametrize(
    "section", ["dagsterWebserver", "dagsterDaemon", "dagster-user-deployments.deployments"]
)
def test_what_goes_into_a_pod_of_the_chart_holds_for_kubernetes(section: str) -> None:
    for values in at(section):
        image = values["image"]
        container = {
            "name": "dagster",
            "image": f"{image['repository']}:{image['tag']}",
            "imagePullPolicy": image["pullPolicy"],
            "env": values.get("env", []),
            "envFrom": [{"secretRef": secret} for secret in values["envSecrets"]],
            "securityContext": values["securityContext"],
            "resources": values["resources"],
            "volumeMounts": values.get("volumeMounts", []),
        }
        pod = {
            "containers": [container],
            "securityContext": values["podSecurityContext"],
            "volumes": values.get("volumes", []),
        }
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "dagster"}, "spec": pod}
        kubernetes_validate.validate(manifest, VERSION, strict=True)
        assert values["podSecurityContext"]["runAsNonRoot"] is True


def test_the_values_are_for_this_version_of_dagster() -> None:
    text = (REPOSITORY / "deploy" / "helm" / "values.yaml").read_text()
    assert f"--version {dg.__version__}" in text
    assert yaml.safe_load(text) == HELM
