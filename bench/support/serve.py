"""The child-process side of a contender in Python, as serve.mjs."""

import json
import sys


def serve(open):
    """`open` returns the first response and the function that handles a request."""
    # Libraries may print to stdout too.
    responses, sys.stdout = sys.stdout, sys.stderr

    def send(response):
        print(json.dumps(response), file=responses, flush=True)

    def attempt(work, *arguments):
        try:
            return work(*arguments)
        except Exception as error:
            send({"error": f"{type(error).__name__}: {error}".replace("\n", " ")})

    opened = attempt(open)
    if opened is None:
        return
    ready, handle = opened
    send(ready)
    for line in sys.stdin:
        response = attempt(handle, json.loads(line))
        if response is not None:
            send(response)
