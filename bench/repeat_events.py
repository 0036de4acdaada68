#!/usr/bin/env python3
"""A dump with its events several times: more of them than the rings of a recorder hold.

repeat_events.py FROM TO EVENTS: whole packets, until there are at least so many. For measurements.
"""
import sys

EVENTS = 14  # the field of a packet with events, in docs/stranded_dump.proto


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def packets(data):
    """(whole packet, its field, its body) of each."""
    at = 0
    while at < len(data):
        length, body = varint(data, at + 1)
        key, inside = varint(data, body + 5)
        size, inside = varint(data, inside)
        yield data[at:body + length], key >> 3, data[inside:inside + size]
        at = body + length


def count(batch):
    """Events of a batch: entries of its column `what`."""
    at = 0
    while at < len(batch):
        key, at = varint(batch, at)
        value, at = varint(batch, at)
        if key & 7 == 2:
            if key >> 3 == 4:
                return sum(byte < 0x80 for byte in batch[at:at + value])
            at += value
    return 0


def main(source, target, wanted):
    with open(source, 'rb') as file:
        whole = list(packets(file.read()))
    events = [(packet, count(body)) for packet, field, body in whole if field == EVENTS]
    each = sum(number for _, number in events)
    if each == 0:
        sys.exit(f'{source} has no events')
    times = -(-wanted // each)
    with open(target, 'wb') as file:
        repeated = False
        for packet, field, _ in whole:
            if field != EVENTS:
                file.write(packet)
            elif not repeated:
                repeated = True
                for _ in range(times):
                    file.writelines(packet for packet, _ in events)
    print(f'{times * each} events')


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
