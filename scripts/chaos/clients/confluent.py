"""confluent-kafka (librdkafka) for `npm run chaos`: one process as producer or consumer, one line for each thing it was told.
`confluent.py produce BOOTSTRAP TOPIC PARTITIONS NAME` writes `A value partition offset` or `U value partition why`;
`confluent.py read BOOTSTRAP TOPIC PARTITIONS` writes `R partition offset value`. A line on standard input ends it."""
import sys
import threading

from confluent_kafka import Consumer, KafkaError, OFFSET_BEGINNING, Producer, TopicPartition

ROLE, BOOTSTRAP, TOPIC, PARTITIONS = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
PER_SECOND = 400
LAST_WAIT_SECONDS = 90
# As long as the whole run: what librdkafka gives up has an unknown outcome.
MESSAGE_TIMEOUT_MS = 300_000

wanted = True


def wait_for_end():
    global wanted
    sys.stdin.readline()
    wanted = False


def say(line):
    sys.stdout.write(line + "\n")


def produce(name):
    def told(error, message):
        value = message.value().decode().strip()
        if error is None:
            offset = message.offset()
            say(f"A {value} {message.partition()} {-1 if offset is None or offset < 0 else offset}")
        else:
            say(f"U {value} {message.partition()} {error.str()}")

    producer = Producer({"bootstrap.servers": BOOTSTRAP, "enable.idempotence": True, "acks": "all", "linger.ms": 5,
                         "message.timeout.ms": MESSAGE_TIMEOUT_MS, "socket.timeout.ms": 10000,
                         "socket.connection.setup.timeout.ms": 5000, "reconnect.backoff.max.ms": 1000,
                         "topic.metadata.refresh.interval.ms": 5000, "log_level": 0})
    number = 0
    while wanted:
        try:
            value = f"{name}.1:{number}".ljust(100)
            producer.produce(TOPIC, value=value, partition=(number * 5) % PARTITIONS, on_delivery=told)
            number += 1
        except BufferError:
            pass
        producer.poll(1 / PER_SECOND)
        if number % 20 == 0:
            sys.stdout.flush()
    left = producer.flush(LAST_WAIT_SECONDS)
    say(f"E {left}")


def read():
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "unused", "enable.auto.commit": False,
                         "auto.offset.reset": "error", "socket.timeout.ms": 10000, "reconnect.backoff.max.ms": 1000,
                         "socket.connection.setup.timeout.ms": 5000, "fetch.wait.max.ms": 100,
                         "topic.metadata.refresh.interval.ms": 5000, "log_level": 0})
    consumer.assign([TopicPartition(TOPIC, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
    while wanted:
        for message in consumer.consume(500, 0.2):
            error = message.error()
            if error is None:
                say(f"R {message.partition()} {message.offset()} {message.value().decode().strip()}")
            elif error.code() in (KafkaError._LOG_TRUNCATION, KafkaError._AUTO_OFFSET_RESET,
                                  KafkaError.OFFSET_OUT_OF_RANGE):
                say(f"X {message.partition()} {message.offset()} {error.str()}")
        sys.stdout.flush()
    consumer.close()
    say("E 0")


threading.Thread(target=wait_for_end, daemon=True).start()
if ROLE == "produce":
    produce(sys.argv[5])
else:
    read()
sys.stdout.flush()
