"""What confluent-kafka (librdkafka) does against a broker. `checks.py BROKER CHECK` runs one check; it ends with 0 or
with what was wrong. Called by `confluent.ts`."""
import sys
import time
import uuid

from confluent_kafka import (
    Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, OFFSET_BEGINNING, Producer, TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourceType,
)

BROKER = sys.argv[1]
WAIT = 20


ADMIN = AdminClient({"bootstrap.servers": BROKER})


def admin():
    return ADMIN


def until(holds):
    """Brokers may show a change a moment after they answered it."""
    deadline = time.time() + WAIT
    while not holds():
        assert time.time() < deadline, "never came true"
        time.sleep(0.1)


def make(topic, partitions=3, config=None):
    admin().create_topics([NewTopic(topic, partitions, 1, config=config or {})])[topic].result(WAIT)


def produce(topic, count, **config):
    """Sends `count` records and returns {(partition, offset): value} as the broker acknowledged them."""
    acked, failed = {}, []

    def delivered(error, message):
        if error is not None:
            failed.append(str(error))
        else:
            acked[(message.partition(), message.offset())] = message.value()

    producer = Producer({"bootstrap.servers": BROKER, "message.timeout.ms": 15000, **config})
    for n in range(count):
        producer.produce(topic, key=f"k{n % 31}", value=f"{topic} {n} " + "z" * (n % 90), headers={"n": str(n)},
                         on_delivery=delivered)
        producer.poll(0)
    assert producer.flush(WAIT) == 0, "not everything was delivered"
    assert not failed, failed[:3]
    assert len(acked) == count, f"{len(acked)} acknowledged of {count}"
    return acked


def consume(consumer, count, limit=WAIT):
    found = {}
    deadline = time.time() + limit
    while len(found) < count and time.time() < deadline:
        for message in consumer.consume(500, 0.5):
            if message.error():
                raise KafkaException(message.error())
            found[(message.partition(), message.offset())] = message.value()
    return found


def consumer_of(group, **config):
    return Consumer({"bootstrap.servers": BROKER, "group.id": group, "auto.offset.reset": "earliest",
                     "enable.auto.commit": False, "session.timeout.ms": 10000, **config})


def round_trip(codec, **config):
    topic = f"acme.ck-{codec}-{'i' if config else 'p'}"
    make(topic)
    acked = produce(topic, 2000, **{"compression.type": codec}, **config)
    consumer = consumer_of("unused")
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(3)])
    assert consume(consumer, 2000) == acked, "read is not what was acknowledged"
    consumer.close()


def administers_topics():
    a = admin()
    make("acme.ck-made", 2, {"retention.ms": "3600000"})
    a.create_partitions([NewPartitions("acme.ck-made", 4)])["acme.ck-made"].result(WAIT)
    until(lambda: len(a.list_topics("acme.ck-made", WAIT).topics["acme.ck-made"].partitions) == 4)
    try:
        make("acme.ck-made")
        raise AssertionError("made twice")
    except KafkaException as error:
        assert error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS, error
    from confluent_kafka import TopicCollection
    described = a.describe_topics(TopicCollection(["acme.ck-made"]))["acme.ck-made"].result(WAIT)
    assert len(described.partitions) == 4
    a.delete_topics(["acme.ck-made"])["acme.ck-made"].result(WAIT)
    until(lambda: "acme.ck-made" not in a.list_topics(timeout=WAIT).topics)
    cluster = a.describe_cluster().result(WAIT)
    assert len(cluster.nodes) == 1 and cluster.controller.id == cluster.nodes[0].id


def administers_configs():
    a = admin()
    make("acme.ck-configs", 1, {"retention.ms": "3600000"})
    resource = ConfigResource(ResourceType.TOPIC, "acme.ck-configs")
    read = lambda: {k: v.value for k, v in a.describe_configs([resource])[resource].result(WAIT).items()}
    assert read()["retention.ms"] == "3600000"
    change = ConfigResource(ResourceType.TOPIC, "acme.ck-configs", incremental_configs=[
        ConfigEntry("retention.ms", "7200000", incremental_operation=AlterConfigOpType.SET),
        ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.APPEND)])
    a.incremental_alter_configs([change])[change].result(WAIT)
    assert read()["retention.ms"] == "7200000" and read()["cleanup.policy"] == "delete,compact", read()["cleanup.policy"]
    back = ConfigResource(ResourceType.TOPIC, "acme.ck-configs", incremental_configs=[
        ConfigEntry("retention.ms", None, incremental_operation=AlterConfigOpType.DELETE)])
    a.incremental_alter_configs([back])[back].result(WAIT)
    assert read()["retention.ms"] == "604800000"
    wrong = ConfigResource(ResourceType.TOPIC, "acme.ck-configs", incremental_configs=[
        ConfigEntry("retention.ms", "soon", incremental_operation=AlterConfigOpType.SET)])
    try:
        a.incremental_alter_configs([wrong])[wrong].result(WAIT)
        raise AssertionError("retention.ms=soon was taken")
    except KafkaException as error:
        assert error.args[0].code() == KafkaError.INVALID_CONFIG, error
    broker = ConfigResource(ResourceType.BROKER, "1")
    assert "log.retention.ms" in a.describe_configs([broker])[broker].result(WAIT)


def lists_offsets_and_deletes_records():
    a = admin()
    topic = "acme.ck-offsets"
    make(topic, 1)
    produce(topic, 100)
    at = TopicPartition(topic, 0)
    offset = lambda spec: a.list_offsets({at: spec})[at].result(WAIT).offset
    assert (offset(OffsetSpec.earliest()), offset(OffsetSpec.latest())) == (0, 100)
    assert 0 <= offset(OffsetSpec.max_timestamp()) < 100
    assert offset(OffsetSpec.for_timestamp(0)) == 0
    assert a.delete_records([TopicPartition(topic, 0, 40)])[at].result(WAIT).low_watermark == 40
    assert (offset(OffsetSpec.earliest()), offset(OffsetSpec.latest())) == (40, 100)
    consumer = consumer_of("unused")
    consumer.assign([TopicPartition(topic, 0, 0)])
    assert min(consume(consumer, 60)) == (0, 40)
    consumer.close()


def seeks_by_time():
    topic = "acme.ck-times"
    make(topic, 1)
    producer = Producer({"bootstrap.servers": BROKER})
    for n in range(100):
        producer.produce(topic, value=str(n), timestamp=1700000000000 + n * 1000)
    producer.flush(WAIT)
    consumer = consumer_of("unused")
    found = consumer.offsets_for_times([TopicPartition(topic, 0, 1700000000000 + 41_500)], WAIT)
    assert found[0].offset == 42, found
    assert consumer.get_watermark_offsets(TopicPartition(topic, 0), WAIT) == (0, 100)
    consumer.close()


def refuses_a_record_that_is_too_large():
    make("acme.ck-large", 1, {"max.message.bytes": "1000"})
    errors = []
    producer = Producer({"bootstrap.servers": BROKER})
    producer.produce("acme.ck-large", value=b"x" * 5000, on_delivery=lambda error, _: errors.append(error))
    producer.flush(WAIT)
    assert errors[0] is not None and errors[0].code() == KafkaError.MSG_SIZE_TOO_LARGE, errors


def two_members_share_a_topic():
    topic, group = "acme.ck-shared", f"ck-shared-{uuid.uuid4().hex[:6]}"
    make(topic, 6)
    acked = produce(topic, 3000)
    found, members = {}, [consumer_of(group), consumer_of(group)]
    for member in members:
        member.subscribe([topic])
    deadline = time.time() + 30
    while time.time() < deadline:
        for member in members:
            for message in member.consume(300, 0.2):
                assert not message.error(), message.error()
                found[(message.partition(), message.offset())] = message.value()
        if len(found) == 3000 and all(len(m.assignment()) == 3 for m in members):
            break
    assert found == acked, f"{len(found)} of 3000"
    assert [len(m.assignment()) for m in members] == [3, 3]
    for member in members:
        ends = {at.partition: 1 + max(offset for p, offset in found if p == at.partition) for at in member.assignment()}
        member.commit(offsets=[TopicPartition(topic, p, end) for p, end in ends.items()], asynchronous=False)
        member.close()
    late = consumer_of(group)
    committed = late.committed([TopicPartition(topic, p) for p in range(6)], WAIT)
    assert sum(max(0, c.offset) for c in committed) == 3000, committed
    late.close()


def cooperative_and_static_members():
    topic, group = "acme.ck-coop", f"ck-coop-{uuid.uuid4().hex[:6]}"
    make(topic, 4)
    acked = produce(topic, 400)
    options = {"partition.assignment.strategy": "cooperative-sticky"}
    first = consumer_of(group, **options, **{"group.instance.id": "one"})
    first.subscribe([topic])
    found = consume(first, 400)
    assert found == acked
    second = consumer_of(group, **options, **{"group.instance.id": "two"})
    second.subscribe(["^acme.ck-coo.*"])
    deadline = time.time() + 30
    while time.time() < deadline and [len(c.assignment()) for c in (first, second)] != [2, 2]:
        first.consume(10, 0.2), second.consume(10, 0.2)
    assert [len(c.assignment()) for c in (first, second)] == [2, 2]
    first.close(), second.close()


def administers_groups():
    a = admin()
    topic, group = "acme.ck-admin-groups", f"ck-admin-{uuid.uuid4().hex[:6]}"
    make(topic, 1)
    produce(topic, 50)
    member = consumer_of(group)
    member.subscribe([topic])
    consume(member, 50)
    member.commit(asynchronous=False)
    assert group in {g.group_id for g in a.list_consumer_groups().result(WAIT).valid}
    described = a.describe_consumer_groups([group])[group].result(WAIT)
    assert described.state.name == "STABLE" and len(described.members) == 1, described.state
    member.close()
    assert a.describe_consumer_groups([group])[group].result(WAIT).state.name == "EMPTY"
    at = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0)])
    assert a.list_consumer_group_offsets([at])[group].result(WAIT).topic_partitions[0].offset == 50
    move = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 7)])
    a.alter_consumer_group_offsets([move])[group].result(WAIT)
    assert a.list_consumer_group_offsets([at])[group].result(WAIT).topic_partitions[0].offset == 7
    a.delete_consumer_groups([group])[group].result(WAIT)
    assert group not in {g.group_id for g in a.list_consumer_groups().result(WAIT).valid}


CHECKS = {
    **{f"round-trip-{codec}": (lambda codec=codec: round_trip(codec)) for codec in ["none", "gzip", "snappy", "lz4", "zstd"]},
    "idempotent": lambda: round_trip("lz4", **{"enable.idempotence": True}),
    "topics": administers_topics,
    "configs": administers_configs,
    "offsets": lists_offsets_and_deletes_records,
    "times": seeks_by_time,
    "large": refuses_a_record_that_is_too_large,
    "shared": two_members_share_a_topic,
    "cooperative": cooperative_and_static_members,
    "groups": administers_groups,
}

if __name__ == "__main__":
    CHECKS[sys.argv[2]]()
