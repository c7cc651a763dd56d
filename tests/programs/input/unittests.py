"""Modules of CPython's own tests, each in a process of its own: how many tests ran, which failed, how many were skipped."""
import subprocess
import sys

CHILD = """
import sys, unittest, os
import test.support
test.support.verbose = 0
name = sys.argv[1]
suite = unittest.defaultTestLoader.loadTestsFromName('test.' + name)
result = unittest.TextTestRunner(stream=open(os.devnull, 'w')).run(suite)
bad = sorted({str(case).split()[0] for case, _ in result.failures + result.errors})
sys.stdout.flush()
print('@@', name, 'ran', result.testsRun, 'failed', bad, 'skipped', len(result.skipped))
sys.stdout.flush()
os._exit(0)
"""

for name in sys.argv[2:]:
    try:
        done = subprocess.run([sys.executable, "-c", CHILD, name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=float(sys.argv[1]), text=True, errors="replace")
        lines = [line[3:] for line in done.stdout.splitlines() if line.startswith("@@")]
        print(lines[-1] if lines else f"{name} ended with {done.returncode}", flush=True)
    except subprocess.TimeoutExpired:
        print(name, "took too long", flush=True)
