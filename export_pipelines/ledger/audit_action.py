"""The words of the audit: what may be recorded, and how it ended."""

from enum import StrEnum


class AuditAction(StrEnum):
    """What was done, or asked for, to the subject of an entry."""

    PLAN = "plan"
    PREVIEW = "preview"
    RUN = "run"
    DELIVER = "deliver"
    STREAM = "stream"  # began or ended, was paused, resumed, restarted or replayed, or lost its slot; the detail says which
    DOWNLOAD = "download"  # an artifact was offered for download, or read by a person
    DENIED = "denied"  # the detail names the action that was refused
    DETOKENIZE = "detokenize"  # before a value is given back
    DETOKENIZED = "detokenized"  # after it, with the number of values
    KEY_USE = "key use"  # an API key was used, or a data key was opened for a person
    KEY_CHANGED = "key changed"  # an API key was made, rotated or revoked, or data keys were wrapped anew
    RIGHT_CHANGED = "right changed"  # access.yaml is another than at the last entry of this kind
    DEFINITION_CHANGED = "definition changed"  # an export is another than at its last run
    ERASED = "erased"
    HOLD = "hold"  # set or released; the detail says which
    REQUESTED = "requested"  # an export, or one more delivery, was asked for over HTTP
    REQUEST_DELETED = "request deleted"  # its run was ended, and what an ad-hoc export wrote is erased
    LINK_CHANGED = "link changed"  # a link to an artifact was made or revoked; the detail says which
    DEFINITION_SAVED = "definition saved"  # the page wrote an export's file
    SIGNED_IN = "signed in"  # on the page
    SIGNED_OUT = "signed out"


class AuditOutcome(StrEnum):
    """How it ended."""

    STARTED = "started"  # another entry says how it ended
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"
