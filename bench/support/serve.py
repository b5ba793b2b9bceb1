"""The side of a contender's own process, in Python: lines of JSON are answered with lines of JSON."""

import json
import sys


def serve(open):
    """`open` gives what answers a request; a failure is answered as `{ error }`."""
    # Libraries may print of their own accord.
    answers, sys.stdout = sys.stdout, sys.stderr

    def say(answer):
        print(json.dumps(answer), file=answers, flush=True)

    def attempt(work, *arguments):
        try:
            return work(*arguments)
        except Exception as error:
            say({"error": f"{type(error).__name__}: {error}".replace("\n", " ")})

    opened = attempt(open)
    if opened is None:
        return
    ready, answer = opened
    say(ready)
    for line in sys.stdin:
        answered = attempt(answer, json.loads(line))
        if answered is not None:
            say(answered)
