"""The client `cs`, unmodified: as a library or as a program, whatever the first argument says.

The last argument is the path of the program; endpoint and keys are in the environment.
"""

import json
import subprocess
import sys

from cs import CloudStack, CloudStackApiException, read_config

SKIN, PROGRAM = sys.argv[1], sys.argv[-1]


class Refused(Exception):
    """The host said no."""

    def __init__(self, error):
        super().__init__(str(error))
        self.code, self.text = error["errorcode"], error["errortext"]


def by_library(command, **parameters):
    client = CloudStack(**read_config(), fetch_result=True)
    try:
        return getattr(client, command)(**parameters)
    except CloudStackApiException as error:
        raise Refused(error.error) from error


def by_program(command, **parameters):
    words = [f"{name}={value}" for name, value in parameters.items()]
    ended = subprocess.run(
        [PROGRAM, command, *words], capture_output=True, text=True, check=False
    )
    if ended.returncode == 0:
        return json.loads(ended.stdout or "{}")  # it is silent about an empty list
    [answer] = json.loads(ended.stdout).values()
    raise Refused(answer.get("jobresult", answer))


call = by_library if SKIN == "library" else by_program


def entries(command, by=call, **parameters):
    """The entries of a list."""
    answer = by(command, **parameters)
    return next((value for value in answer.values() if isinstance(value, list)), [])


def one(command, **parameters):
    """The object that a command, or its job, answers with."""
    [answer] = call(command, **parameters).values()
    return answer
