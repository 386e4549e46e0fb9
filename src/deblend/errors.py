"""The one exception that a user is meant to read."""


class DeblendError(Exception):
    """A problem with the input that the user can mend.

    The message names the thing, echoes its value and says what to do; scripts
    show it without a traceback (the traceback goes to the log file).
    """
