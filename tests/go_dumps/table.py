#!/usr/bin/env python3
"""The table of docs/go-dumps.md: what the sample dumps have in them, and what is found.

table.py STRANDED prints it; with --write, it is put into the page."""
import argparse
import csv
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, '../../docs/go-dumps.md')
BEGIN, END = '<!-- table.py -->\n', '<!-- end -->\n'


def rows_of(name):
    with open(os.path.join(HERE, name), encoding='utf-8') as file:
        return list(csv.DictReader(file, delimiter='\t'))


def places(text):
    """'3 f;1 g' as a dictionary."""
    return {} if text == '-' else {
        name: int(count) for count, name in (part.split(' ', 1) for part in text.split(';'))}


def dumps():
    return sorted(name for name in os.listdir(HERE) if name.endswith(('.txt', '.pb.gz')))


def report(stranded, name):
    """Goroutines found by place and by rule, and those it would look at again."""
    done = subprocess.run([stranded, 'report', '--format', 'json', os.path.join(HERE, name)],
                          capture_output=True, check=False, text=True)
    found, rules = {}, {}
    answer = json.loads(done.stdout)
    for finding in answer['findings']:
        place = finding['wait_site']['function']
        if finding['rule'] == 'lock-cycle':  # one finding of several places
            place = 'lock-cycle'
        found[place] = found.get(place, 0) + finding['task_count']
        rule = f"{finding['rule']} ({finding['verdict']})"
        rules[rule] = rules.get(rule, 0) + finding['task_count']
    return found, rules, answer['counts']['look_again']


def line(stranded, name, truth):
    row = truth[name.split('.', 1)[0]]
    want = places(row['where'])
    found, rules, later = report(stranded, name)
    right = sum(min(count, want.get(place, 0)) for place, count in found.items())
    false = sum(found.values()) - right
    ring = found.get('lock-cycle', 0)  # its goroutines wait at places that are told in the truth
    known = sum(count for place, count in want.items() if place not in found)
    right, false = right + min(ring, known), false - min(ring, known)
    text = ', '.join(f'{count} {rule}' for rule, count in rules.items()) or '-'
    return (f"| {name} | {row['leaked']} | {right} | {false} | {later} | {text} |")


def table(stranded):
    truth = {row['program']: row for row in rows_of('truth.tsv')}
    head = ['| dump | leaked | found | false alarms | to look at again | by rule |',
            '|---|---|---|---|---|---|']
    return '\n'.join(head + [line(stranded, name, truth) for name in dumps()]) + '\n'


def programs():
    out = ['| program | leaked | where | why |', '|---|---|---|---|']
    for row in rows_of('truth.tsv'):
        where = ', '.join(f'{count} in `{name}`' for name, count in places(row['where']).items())
        out.append(f"| {row['program']} | {row['leaked']} | {where or '-'} | {row['why']} |")
    return '\n'.join(out) + '\n'


def generated(stranded):
    return programs() + '\n' + table(stranded)


def in_page():
    with open(PAGE, encoding='utf-8') as file:
        return file.read().split(BEGIN)[1].split(END)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('stranded')
    parser.add_argument('--write', action='store_true')
    args = parser.parse_args()
    text = generated(args.stranded)
    if not args.write:
        print(text, end='')
        return
    with open(PAGE, encoding='utf-8') as file:
        page = file.read()
    before, rest = page.split(BEGIN)
    with open(PAGE, 'w', encoding='utf-8') as file:
        file.write(before + BEGIN + text + END + rest.split(END)[1])


if __name__ == '__main__':
    main()
