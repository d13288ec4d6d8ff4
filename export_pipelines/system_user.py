"""Who runs this process, as the operating system knows the user: variables such as LOGNAME could say anything."""

import os
import pwd


def system_user() -> str:
    """The user's name; `uid 1234` where the system has none for the number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
