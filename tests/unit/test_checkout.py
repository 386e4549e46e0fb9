"""The git checkout of the code."""

import subprocess

import pytest
from deblend.checkout import commit_of_code, git_state


@pytest.fixture
def checkout(tmp_path):
    """A git repository with one commit, and the name of the commit."""
    git = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (tmp_path / "a.py").write_text("1")
    for arguments in (["init", "-q"], ["add", "a.py"], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *arguments], check=True)
    shown = subprocess.run([*git, "log", "--format=%H"], capture_output=True, text=True)
    return tmp_path, shown.stdout.strip()


def test_changes_of_a_checkout_are_recorded(checkout):
    folder, commit = checkout
    assert git_state(folder) == {"commit": commit, "modified": False}
    # Results and other files that git does not know are no change of the code.
    (folder / "result.csv").write_text("1")
    assert git_state(folder) == {"commit": commit, "modified": False}
    (folder / "a.py").write_text("2")
    assert git_state(folder) == {"commit": commit, "modified": True}


def unknown(folder, caplog):
    """The reason why the commit is unknown, which is in the record and in the log."""
    state = git_state(folder)
    reason = state.pop("unknown_because")
    assert state == {"commit": None, "modified": None}
    assert (
        f"the commit of {folder} is unknown, and provenance.json has none: {reason}" in caplog.text
    )
    return reason


def test_a_copy_without_git_has_no_commit(tmp_path, caplog):
    assert unknown(tmp_path, caplog) == "the folder is not a git checkout"
    assert unknown(tmp_path / "absent", caplog) == "git failed"


def test_where_git_is_not_installed_the_record_says_so(checkout, monkeypatch, caplog):
    monkeypatch.setenv("PATH", "")
    assert unknown(checkout[0], caplog) == "git is not installed"


@pytest.mark.parametrize("language", ["C", "de_DE.UTF-8"])
def test_a_clone_of_another_owner_has_no_commit_and_says_why(
    checkout, monkeypatch, caplog, language
):
    # Git then takes the current user for another one.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setenv("LC_ALL", language)
    monkeypatch.setenv("HOME", str(checkout[0]))  # without the user's list of safe folders
    reason = unknown(checkout[0], caplog)
    assert reason.startswith("the folder belongs to another user")
    assert "git config --global --add safe.directory" in reason
    assert str(checkout[0]) not in reason


def test_the_commit_of_this_code_is_that_of_its_checkout():
    assert commit_of_code().keys() >= {"commit", "modified"}
