"""Records and groups of `bench -- translation`, by confluent-kafka.

    write BROKER TOPIC KIND FROM TO   records numbered FROM to TO − 1; KIND: plain, keyed, transactional
    read BROKER TOPIC                 committed records as pairs of int64: offset, number
    commit BROKER                     {group: {topic: offset}} on stdin, partition 0
    committed BROKER TOPIC…           [group, …] on stdin; {group: {topic: offset}} on stdout, only what is committed
"""

import json
import random
import struct
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

TRANSACTION_RECORDS = 100
ABORTED_EVERY = 10
FILLER = b"x" * 92
CALL_SECONDS = 30


def write(broker, topic, kind, first, end):
    settings = {"bootstrap.servers": broker, "linger.ms": 5, "queue.buffering.max.messages": 1_000_000}
    numbers = range(int(first), int(end))
    if kind == "transactional":
        write_transactions(Producer({**settings, "linger.ms": 0, "transactional.id": topic}), topic, numbers)
        return
    producer = Producer({**settings, "enable.idempotence": True})
    draw = random.Random(42)
    for number in numbers:
        key = str(draw.randrange(int(end) // 2)) if kind == "keyed" else None
        send(producer, topic, number, key)
    flushed(producer)


def send(producer, topic, number, key=None):
    while True:
        try:
            producer.produce(topic, struct.pack(">q", number) + FILLER, key=key, partition=0)
            return
        except BufferError:
            producer.poll(0.1)


def flushed(producer):
    left = producer.flush(120)
    if left:
        raise SystemExit(f"{left} records were not acknowledged")


def write_transactions(producer, topic, numbers):
    producer.init_transactions(CALL_SECONDS)
    for turn, at in enumerate(range(numbers.start, numbers.stop, TRANSACTION_RECORDS)):
        producer.begin_transaction()
        for number in range(at, min(at + TRANSACTION_RECORDS, numbers.stop)):
            send(producer, topic, number)
        if turn % ABORTED_EVERY == ABORTED_EVERY - 1:
            producer.flush(CALL_SECONDS)
            producer.abort_transaction(CALL_SECONDS)
        else:
            producer.commit_transaction(CALL_SECONDS)


def read(broker, topic):
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": "reader-of-all",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "queued.min.messages": 1_000_000,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    pairs = bytearray()
    while True:
        for message in consumer.consume(10_000, 5):
            if message.error() is None:
                pairs += struct.pack(">q", message.offset()) + message.value()[:8]
            elif message.error().code() == KafkaError._PARTITION_EOF:
                consumer.close()
                sys.stdout.buffer.write(pairs)
                return
            else:
                raise SystemExit(str(message.error()))


def consumer_of(broker, group):
    return Consumer({"bootstrap.servers": broker, "group.id": group, "enable.auto.commit": False})


def commit(broker):
    for group, offsets in json.load(sys.stdin).items():
        consumer = consumer_of(broker, group)
        places = [TopicPartition(topic, 0, offset) for topic, offset in offsets.items()]
        for place in patient(lambda: consumer.commit(offsets=places, asynchronous=False)):
            if place.error is not None:
                raise SystemExit(f"{group}: {place.error}")
        consumer.close()


def patient(call):
    """The coordinator of a group that is new to a cluster that is new takes its time."""
    for _ in range(CALL_SECONDS):
        try:
            return call()
        except KafkaException as error:
            if not error.args[0].retriable() and error.args[0].code() != KafkaError.NOT_COORDINATOR:
                raise
            time.sleep(1)
    return call()


def committed(broker, *topics):
    found = {}
    for group in json.load(sys.stdin):
        consumer = consumer_of(broker, group)
        places = consumer.committed([TopicPartition(topic, 0) for topic in topics], timeout=CALL_SECONDS)
        found[group] = {place.topic: place.offset for place in places if place.offset >= 0}
        consumer.close()
    print(json.dumps(found))


if __name__ == "__main__":
    COMMANDS = {"write": write, "read": read, "commit": commit, "committed": committed}
    COMMANDS[sys.argv[1]](*sys.argv[2:])
