#!/usr/bin/env python3
"""Draws docs/performance-scale.svg from the JSON that stranded_bench prints.

  build/release/bench/stranded_bench --benchmark_filter='^diagnose/' --benchmark_format=json |
    bench/plot_scale.py > docs/performance-scale.svg

Both axes are logarithmic: a straight line of slope one is linear growth.
"""
import json
import math
import sys

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 50


def points(data):
    """(tasks, wall ms, cpu ms), smallest first."""
    found = []
    for run in data['benchmarks']:
        parts = dict(p.split(':') for p in run['name'].split('/') if ':' in p)
        if run.get('run_type', 'iteration') == 'iteration' and 'tasks' in parts:
            found.append((int(parts['tasks']), run['real_time'], run['cpu_time']))
    return sorted(found)


class Axes:
    """Maps values to the drawing, by whole decades."""

    def __init__(self, rows):
        self.x = math.floor(math.log10(rows[0][0])), math.ceil(math.log10(rows[-1][0]))
        times = [t for row in rows for t in row[1:]]
        self.y = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times + [1000])))

    def at(self, tasks, ms):
        """Where a point stands."""
        fx = (math.log10(tasks) - self.x[0]) / (self.x[1] - self.x[0])
        fy = (math.log10(ms) - self.y[0]) / (self.y[1] - self.y[0])
        return LEFT + fx * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - fy * (HEIGHT - TOP - BOTTOM)


def text(x, y, what, anchor='middle'):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{what}</text>'


def line(a, b, style):
    return (f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" {style}/>')


def grid(axes):
    """Decades, their names, and the bar of one second."""
    out = []
    thin = 'stroke="#ddd"'
    for e in range(axes.x[0], axes.x[1] + 1):
        low, high = axes.at(10 ** e, 10 ** axes.y[0]), axes.at(10 ** e, 10 ** axes.y[1])
        out += [line(low, high, thin), text(low[0], HEIGHT - BOTTOM + 18, f'{10 ** e:,}')]
    for e in range(axes.y[0], axes.y[1] + 1):
        left, right = axes.at(10 ** axes.x[0], 10 ** e), axes.at(10 ** axes.x[1], 10 ** e)
        name = f'{10 ** e:,} ms' if e >= 0 else f'{10.0 ** e} ms'
        out += [line(left, right, thin), text(LEFT - 8, left[1] + 4, name, 'end')]
    bar = axes.at(10 ** axes.x[0], 1000), axes.at(10 ** axes.x[1], 1000)
    out += [line(*bar, 'stroke="#c33" stroke-dasharray="6 4"'),
            text(LEFT + 6, bar[0][1] - 6, 'bar: 1 s', 'start')]
    return out


def curve(axes, rows, column, colour, name, number):
    """One measured line with its points and its entry in the legend."""
    at = [axes.at(row[0], row[column]) for row in rows]
    path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in at)
    out = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>']
    out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at]
    y = HEIGHT - BOTTOM - 34 + 18 * number
    out += [line((WIDTH - 190, y - 4), (WIDTH - 165, y - 4), f'stroke="{colour}" stroke-width="2"'),
            text(WIDTH - 160, y, name, 'start')]
    return out


def draw(rows):
    """The whole picture."""
    axes = Axes(rows)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           text(WIDTH / 2, 22, 'Parked tasks to printed report, 1,000 groups')]
    out += grid(axes)
    out += curve(axes, rows, 1, '#26c', 'elapsed', 0)
    out += curve(axes, rows, 2, '#2a7', 'processor time', 1)
    out += [text(WIDTH / 2, HEIGHT - 10, 'parked tasks'), '</svg>']
    return '\n'.join(out)


if __name__ == '__main__':
    ROWS = points(json.load(sys.stdin))
    if len(ROWS) < 2:
        sys.exit('plot_scale.py: fewer than two sizes in the input; give it the output of '
                 "stranded_bench --benchmark_filter='^diagnose/' --benchmark_format=json")
    print(draw(ROWS))
