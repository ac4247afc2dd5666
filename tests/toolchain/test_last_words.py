"""Details of errors: the reasons come first, without progress, advice, and logs that are gone."""

from __future__ import annotations

import pytest

from factory.toolchain.last_words import last_words

# What git 2.39, npm 10, yarn 4.12, yarn 1.22 and pip print when they fail.
CASES = {
    "git, a damaged repository": (
        (
            "remote: Enumerating objects: 120, done.\n"
            "remote: Counting objects:   1% (1/120)\n"
            "remote: Counting objects: 100% (120/120), done.\n"
            "remote: Compressing objects:  50% (40/80)\n"
            "error: inflate: data stream error (incorrect header check)\n"
            "remote: fatal: packed object 1234 (stored in x.pack) is corrupt\n"
            "Receiving objects:  12% (15/120), 1.20 MiB | 2.00 MiB/s\n"
            "remote: aborting due to possible repository corruption on the remote side.\n"
            "fatal: early EOF\nfatal: fetch-pack: invalid index-pack output\n"
        ),
        (
            "error: inflate: data stream error (incorrect header check)\n"
            "remote: fatal: packed object 1234 (stored in x.pack) is corrupt\n"
            "remote: aborting due to possible repository corruption on the remote side.\n"
            "fatal: early EOF\nfatal: fetch-pack: invalid index-pack output"
        ),
    ),
    "git, no access": (
        (
            "Cloning into 'x'...\ngit@host: Permission denied (publickey).\n"
            "fatal: Could not read from remote repository.\n\n"
            "Please make sure you have the correct access rights\nand the repository exists.\n"
        ),
        (
            "fatal: Could not read from remote repository.\n"
            "git@host: Permission denied (publickey).\n"
            "Please make sure you have the correct access rights\nand the repository exists."
        ),
    ),
    "npm": (
        (
            "npm http fetch GET 200 https://registry.npmjs.org/x 12ms (cache miss)\n"
            "npm notice New major version of npm available! 10.8.2 -> 11.0.0\n"
            "npm warn deprecated glob@7.2.3: no longer supported\n"
            "npm error code E404\nnpm error 404 Not Found - GET https://registry.npmjs.org/nope\n"
            "npm error\n"
            "npm error A complete log of this run can be found in: /tmp/x/_logs/2024-debug-0.log\n"
        ),
        "npm error code E404\nnpm error 404 Not Found - GET https://registry.npmjs.org/nope",
    ),
    "npm of earlier days": (
        (
            "npm timing idealTree Completed in 3ms\nnpm ERR! code ENOTFOUND\nnpm ERR! \n"
            "npm ERR! network request to http://x failed\n\n"
            "npm ERR! A complete log of this run can be found in:\n"
            "npm ERR!     /root/.npm/_logs/2024-01-01T00_00_00_000Z-debug-0.log\n"
        ),
        "npm ERR! code ENOTFOUND\nnpm ERR! network request to http://x failed",
    ),
    "yarn": (
        (
            "➤ YN0000: · Yarn 4.12.0\n➤ YN0000: ┌ Resolution step\n➤ YN0085: │ + a@npm:1, b@npm:2\n"
            "➤ YN0000: └ Completed in 1s\n➤ YN0000: ┌ Fetch step\n"
            "➤ YN0013: │ 12 packages were added to the project (+ 3 MiB).\n"
            "➤ YN0035: │ nope@npm:1.0.0: The remote server failed\n"
            "➤ YN0035: │   Response Code: 404 (Not Found)\n"
            "➤ YN0002: │ app@workspace:. doesn't provide react, requested by x\n"
            "➤ YN0000: └ Completed\n➤ YN0000: · Failed with errors in 2s 10ms\n"
        ),
        (
            "➤ YN0035: │ nope@npm:1.0.0: The remote server failed\n"
            "➤ YN0000: · Failed with errors in 2s 10ms\n"
            "➤ YN0035: │   Response Code: 404 (Not Found)"
        ),
    ),
    "yarn, a build whose log is in a temporary folder": (
        (
            "➤ YN0009: │ a@npm:1 couldn't be built successfully "
            "(exit code 1, logs can be found here: /tmp/xfs-1/build.log)\n"
        ),
        "➤ YN0009: │ a@npm:1 couldn't be built successfully (exit code 1)",
    ),
    "yarn 1": (
        (
            "yarn install v1.22.22\n[1/4] Resolving packages...\nwarning x > y: old\n"
            'info No lockfile found.\nerror Couldn\'t find package "nope" on the npm registry.\n'
            "info Visit https://yarnpkg.com/en/docs/cli/install for documentation.\n"
        ),
        'error Couldn\'t find package "nope" on the npm registry.',
    ),
    "pip": (
        (
            "Collecting x\n  Downloading x-1.whl (3 kB)\n"
            "ERROR: Could not find a version that satisfies the requirement y\n"
            "[notice] A new release of pip is available: 23 -> 24\n"
        ),
        "ERROR: Could not find a version that satisfies the requirement y",
    ),
    "colours and repainted lines": (
        "\x1b[31mnpm error\x1b[0m code E1\n 10%\r 20%\rerror: it broke\n",
        "npm error code E1\nerror: it broke",
    ),
    "plain words": ("one\ntwo\n", "one\ntwo"),
}


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_what_went_wrong_is_left(case: str) -> None:
    output, expected = CASES[case]
    assert last_words(output) == expected


def test_nothing_said_is_nothing() -> None:
    assert last_words("") is None
    assert last_words("Receiving objects:  50% (1/2)\n\n") is None


def test_the_last_lines_are_kept_and_cut() -> None:
    output = "".join(f"error: {number}\n" for number in range(30)) + "x" * 1_000_000
    lines = (last_words(output, most=5) or "").splitlines()
    assert lines == [f"error: {number}" for number in range(25, 30)]
    assert len(last_words("x" * 1_000_000) or "") == 300
