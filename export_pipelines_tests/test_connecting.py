import pytest

from export_pipelines.connecting import connected, is_passing


@pytest.mark.parametrize(
    "text",
    [
        "FATAL:  the database system is starting up",
        "FATAL:  the database system is not yet accepting connections",
        "FATAL:  the database system is in recovery mode",
        "FATAL:  the database system is shutting down",
        "FATAL:  sorry, too many clients already",
        "(1040, 'Too many connections')",
    ],
)
def test_what_a_server_says_that_is_not_there_yet_passes(text: str) -> None:
    assert is_passing(ConnectionError(text))


@pytest.mark.parametrize(
    "text", ['FATAL:  role "ana" does not exist', "FATAL:  password authentication failed"]
)
def test_what_a_person_has_to_mend_is_asked_once(text: str) -> None:
    asked = []

    def connect() -> None:
        asked.append(text)
        raise ConnectionError(text)

    with pytest.raises(ConnectionError):
        connected(connect, ConnectionError)
    assert asked == [text]
