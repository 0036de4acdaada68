"""The rows of the comparison, their bars, and the table made of results."""
import operator
import statistics

LEVELS = ('off', 'state', 'trace')
OURS = tuple('ours ' + level for level in LEVELS)
SYSTEMS = ('go', 'boost', 'floor') + OURS


class Line:
    """One line of the table: a figure of a row, with the bar and the aim as ratios to Go."""

    def __init__(self, title, row, figure='ns_per_op', bar=None, aim=None, bar2=None, aim2=None,
                 go_figure=None, unit='ns'):
        self.title, self.row, self.figure, self.unit = title, row, figure, unit
        self.bars = {1: bar, 2: bar2 if bar2 is not None else bar}
        self.aims = {1: aim, 2: aim2 if aim2 is not None else aim}
        self.go_figure = go_figure or figure


def parked(row, title):
    return [
        Line(f'{title}, cold: make and park', row, 'cold_make_ns', .80, .65),
        Line(f'{title}, recycled stacks (Go: its cold time)', row, 'warm_make_ns', .15, .08,
             go_figure='cold_make_ns'),
        Line(f'{title}, recycled stacks (Go: recycled too)', row, 'warm_make_ns'),
        Line(f'{title}: wake all', row, 'cold_wake_ns', .60, .40),
        Line(f'{title}: resident bytes per task', row, 'cold_bytes_per_task', 1.7, 1.6, unit='B'),
    ]


LINES = [
    Line('spawn + finish, batches of 100', 'spawn_batch_100', bar=.40, aim=.30),
    Line('spawn + finish, 1 M and one join', 'spawn_million', bar=.15, aim=.06, bar2=.40, aim2=.20),
    Line('spawn + join one', 'spawn_join_one', bar=.40, aim=.20),
    Line('yield', 'yield', bar=.30, aim=.20),
    Line('ping-pong round trip, unbuffered', 'ping_pong', bar=.40, aim=.30),
    Line('buffered(128), producer -> consumer', 'buffered_128', bar=.60, aim=.40),
    Line('send + receive in one task', 'send_recv_one_task', bar=.60, aim=.45),
    Line('100 senders -> 1 receiver, unbuffered', 'fan_in_100', bar=.40, aim=.25),
    Line('select over 4 + done, blocking', 'select_blocking', bar=.40, aim=.25),
    Line('select over 4 + done, one ready', 'select_one_ready', bar=.35, aim=.20),
    Line('select over 4, default', 'select_default', bar=.25, aim=.10),
    Line('mutex, uncontended', 'mutex_uncontended', bar=1.0, aim=.75),
    Line('mutex, parked hand-over among 100', 'mutex_hand_over_100', bar=.30, aim=.15),
    Line('WithCancel + cancel', 'with_cancel', bar=.60, aim=.30),
    Line('WithTimeout + cancel', 'with_timeout', bar=.35, aim=.15),
    Line('cancel 10k children, each', 'cancel_10k_children', bar=.50, aim=.20),
    Line('make 10k children, each', 'cancel_10k_children', 'make_ns'),
    Line('Done() check', 'done_check', bar=.6, aim=.2),
    Line('Err() check', 'err_check', bar=.5, aim=.1),
    Line('Value() at depth 10', 'value_depth_10', bar=.5, aim=.2),
    Line('WithValue', 'with_value', bar=.8, aim=.3),
    Line('skynet, 1 M leaves, per task', 'skynet_million', bar=.30, aim=.10),
    Line('skynet, first run', 'skynet_million', 'cold_ns_per_op'),
    Line('skynet, peak resident memory', 'skynet_million', 'peak_bytes', .40, .20, unit='MB'),
    Line('prime sieve (2000), per transfer', 'sieve_2000', bar=.60, aim=.40),
    *parked('park_100k', 'park 100k'),
    *parked('park_million', 'park 1 M'),
    Line('8 tasks that spawn, with work', 'spawn_independent'),
    Line('8 pipelines, with work', 'pipelines_8'),
]
SCALING = ('spawn_independent', 'pipelines_8', 'ping_pong', 'buffered_128')


# What recording may cost: trace over off.
RECORDING = {'spawn_batch_100': 1.3, 'ping_pong': 1.5, 'buffered_128': 1.2}
STATE_NS = 3  # an operation
# Operations in a row's unit, where it is more than one: sends, receives, selects, locks and so on.
OPERATIONS = {
    'ping_pong': 4, 'buffered_128': 2, 'send_recv_one_task': 2, 'fan_in_100': 2, 'sieve_2000': 2,
    'pipelines_8': 2, 'select_blocking': 2, 'select_one_ready': 2, 'mutex_uncontended': 2,
    'mutex_hand_over_100': 2, 'with_cancel': 2, 'with_timeout': 2, 'spawn_join_one': 3,
}


def number(value, unit='ns'):
    if value is None:
        return '-'
    if unit == 'MB':
        return f'{value / 1e6:.1f} MB'
    if unit == 'B':
        return f'{value:.0f} B'
    return f'{value:.3g}' if abs(value) < 1000 else f'{value:.0f}'


class Results:
    """(row, workers, system, figure) -> {round: value}."""

    def __init__(self, cpu_time=False):
        self.values, self.prefix = {}, 'cpu_' if cpu_time else ''

    def add(self, row, workers, system, figure, turn, value):
        self.values.setdefault((row, workers, system, figure), {})[turn] = value

    def rounds(self, row, workers, system, figure):
        found = self.values.get((row, workers, system, self.prefix + figure))
        return found or self.values.get((row, workers, system, figure), {})

    def median(self, *key):
        rounds = self.rounds(*key)
        return statistics.median(rounds.values()) if rounds else None

    def within(self, one, other, compare):
        """Median of compare(one, other) within the same round."""
        ones, others = self.rounds(*one), self.rounds(*other)
        both = [compare(ones[turn], others[turn]) for turn in ones if others.get(turn, 0) > 0]
        return statistics.median(both) if both else None

    def ratio(self, line, workers, system):
        return self.within((line.row, workers, system, line.figure),
                           (line.row, workers, 'go', line.go_figure), operator.truediv)


def verdict(ratio, bar, aim):
    if ratio is None or bar is None:
        return ''
    if ratio > bar:
        return 'MISS'
    return 'aim' if ratio <= aim < bar else 'pass'


HEAD = ['work', 'Go', 'Boost.Fiber', 'floor', 'off', 'state', 'trace', 'state / Go', 'trace / Go',
        'bar', 'aim', '']


def cells(results, line, workers):
    ratio = results.ratio(line, workers, 'ours state')
    traced = results.ratio(line, workers, 'ours trace')
    bar, aim = line.bars[workers], line.aims[workers]
    figures = [number(results.median(line.row, workers, system,
                                     line.go_figure if system == 'go' else line.figure), line.unit)
               for system in SYSTEMS]
    show = [f'{r:.2f}' if r is not None else '-' for r in (ratio, traced)]
    bars = ['' if b is None else f'{b:.2f}' for b in (bar, aim)]
    return [line.title, *figures, *show, *bars, verdict(ratio, bar, aim)]


def rows_of(results, workers):
    """The table's lines for that many workers, those left out that nobody ran."""
    made = [cells(results, line, workers) for line in LINES]
    return [row for row in made if any(cell != '-' for cell in row[1:9])]


def scaling_of(results):
    """Time with one worker over time with two: above 1, two are faster."""
    lines = []
    for line in LINES:
        if line.row not in SCALING:
            continue
        row = [line.title]
        for system in ('go', 'ours state'):
            faster = results.within((line.row, 1, system, line.figure),
                                    (line.row, 2, system, line.figure), operator.truediv)
            row.append('-' if faster is None else f'{faster:.2f}')
        if row[1:] != ['-', '-']:
            lines.append(row)
    return lines


RECORDING_HEAD = ['work, 1 worker', 'state - off, ns', 'an operation', 'bar', '', 'trace / off', 'bar', '']


def recording_of(results):
    """What recording costs within a round."""
    lines = []
    for line in LINES:
        if line.figure != 'ns_per_op':
            continue
        off = (line.row, 1, 'ours off', line.figure)
        state = results.within((line.row, 1, 'ours state', line.figure), off, operator.sub)
        trace = results.within((line.row, 1, 'ours trace', line.figure), off, operator.truediv)
        bar = RECORDING.get(line.row)
        if state is not None:
            each = state / OPERATIONS.get(line.row, 1)
            lines.append([line.title, f'{state:.1f}', f'{each:.1f}', str(STATE_NS),
                          verdict(each, STATE_NS, STATE_NS),
                          '-' if trace is None else f'{trace:.2f}', '' if bar is None else f'{bar}',
                          verdict(trace, bar, bar)])
    return lines


def text(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, *rows]:
        lines.append('  '.join(cell.ljust(w) if i == 0 else cell.rjust(w)
                               for i, (cell, w) in enumerate(zip(row, widths))).rstrip())
    return '\n'.join(lines)


def markdown(head, rows):
    align = ['---'] + ['---:'] * (len(head) - 1)
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in [head, align, *rows])
