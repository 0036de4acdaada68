"""The machine the comparison runs on: its shape, and what others do on it meanwhile."""
import os
import platform
import re
import resource
import subprocess
import time

TICK = os.sysconf('SC_CLK_TCK')
QUIET = 0.10
PATIENCE_S = 1.5


def first(pattern, path):
    with open(path, encoding='utf-8') as file:
        found = re.search(pattern, file.read(), re.M)
    return found.group(1).strip() if found else '?'


def said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return '?'


def free_bytes():
    return 1024 * int(first(r'^MemAvailable:\s+(\d+)', '/proc/meminfo'))


def describe():
    cpu = first(r'^model name\s*:\s*(.*)', '/proc/cpuinfo')
    gib = int(first(r'^MemTotal:\s+(\d+)', '/proc/meminfo')) / 2**20
    system = first(r'^PRETTY_NAME="(.*)"', '/etc/os-release')
    kernel = re.match(r'[0-9.]+', platform.release()).group(0)
    go = said('go', 'version').replace('go version go', 'Go ').split(' linux')[0]
    boost = first(r'^#define BOOST_LIB_VERSION "(.*)"', '/usr/include/boost/version.hpp')
    return (f'{os.cpu_count()} cores ({cpu}), {gib:.0f} GiB, {system}, kernel {kernel}, '
            f'g++ {said("g++", "-dumpfullversion")} -O2, {go}, '
            f'Boost.Fiber {boost.replace("_", ".")}')


def shown_arguments(argv):
    """Without the programs' paths, which ./run adds."""
    hidden = ('--go=', '--boost=', '--ours=', '--floor=')
    return [a for a in argv if not a.startswith(hidden)]


def busy_seconds(cores):
    """CPU time of everybody on these cores, the hypervisor's theft included."""
    wanted = {f'cpu{core}' for core in cores}
    total = 0
    with open('/proc/stat', encoding='ascii') as file:
        for line in file:
            words = line.split()
            if words[0] in wanted:
                user, nice, system, _, _, irq, soft, stolen = map(int, words[1:9])
                total += user + nice + system + irq + soft + stolen
    return total / TICK


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def wait_for_quiet(cores):
    """For a moment only: a busy machine gives a worse measurement, not none."""
    end = time.time() + PATIENCE_S
    while time.time() < end:
        busy, start = busy_seconds(cores), time.time()
        time.sleep(0.05)
        if (busy_seconds(cores) - busy) / (time.time() - start) / len(cores) < QUIET:
            return
