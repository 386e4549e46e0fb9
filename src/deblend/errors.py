"""The exception whose message is written for the user."""


class DeblendError(Exception):
    """A problem with the input that the user can solve.

    The message says what is wrong, repeats the value and says what to do. Scripts show it without
    a traceback; the traceback goes to the log file.
    """


class TransientError(DeblendError):
    """A problem that may be gone at the next attempt: a server that does not answer, for example.

    Scripts that are tried again if they fail are so after this error only, not after others that
    the user can solve.
    """


class UnsuitedError(DeblendError):
    """A method does not suit the images, or what it needs is not installed.

    Where several methods measure several sets of images, it is left out; all other errors are
    failures.
    """
