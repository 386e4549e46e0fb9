"""The exception whose message is written for the user."""


class DeblendError(Exception):
    """A problem with the input that the user can solve.

    The message says what is wrong, repeats the value and says what to do. Scripts show it without
    a traceback; the traceback goes to the log file.
    """
