"""What kafka-python does against a broker. `checks.py BROKER CHECK` runs one check; it ends with 0 or with what was
wrong. Called by `kafka-python.ts`."""
import sys
import time
import uuid

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import MessageSizeTooLargeError, SecurityDisabledError, TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata

BROKER = sys.argv[1]
WAIT = 20


def named(what):
    return f"acme.kpy-{what}-{uuid.uuid4().hex[:8]}"


def admin():
    return KafkaAdminClient(bootstrap_servers=BROKER)


def make(partitions=3, configs=None):
    topic = named("topic")
    with admin() as client:
        client.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs or {})])
    return topic


def produce(topic, count, **options):
    """Sends `count` records and returns {(partition, offset): value} as the broker acknowledged them."""
    producer = KafkaProducer(bootstrap_servers=BROKER, linger_ms=5, **options)
    sent = [producer.send(topic, f"{topic} {n}".encode(), key=b"k%d" % (n % 31), headers=[("n", b"%d" % n)])
            for n in range(count)]
    told = [future.get(WAIT) for future in sent]
    producer.close()
    return {(at.partition, at.offset): f"{topic} {n}".encode() for n, at in enumerate(told)}


def reader(*topics, **options):
    return KafkaConsumer(*topics, bootstrap_servers=BROKER, auto_offset_reset="earliest", metadata_max_age_ms=500,
                         heartbeat_interval_ms=200, **options)


def consume(consumer, count):
    found, deadline = {}, time.time() + WAIT
    while len(found) < count:
        assert time.time() < deadline, f"{len(found)} of {count} came"
        for records in consumer.poll(timeout_ms=300).values():
            found.update({(record.partition, record.offset): record.value for record in records})
    return found


def round_trip(**options):
    topic = make()
    acked = produce(topic, 1000, **options)
    consumer = reader(topic, group_id=named("group"))
    assert consume(consumer, 1000) == acked
    consumer.close()


def two_members_share_a_topic():
    topic, group = make(4), named("group")
    acked = produce(topic, 100)
    first = reader(topic, group_id=group, session_timeout_ms=10_000)
    assert consume(first, 100) == acked
    first.commit()
    second, deadline = reader(topic, group_id=group, session_timeout_ms=10_000), time.time() + WAIT
    while not (len(first.assignment()) == 2 and len(second.assignment()) == 2):
        assert time.time() < deadline, (first.assignment(), second.assignment())
        first.poll(timeout_ms=100)
        second.poll(timeout_ms=100)
    assert not first.assignment() & second.assignment()
    first.close()
    deadline = time.time() + WAIT
    while len(second.assignment()) < 4:
        assert time.time() < deadline, second.assignment()
        second.poll(timeout_ms=100)
    second.close()


def seeks():
    topic = make(1)
    producer = KafkaProducer(bootstrap_servers=BROKER)
    for n in range(10):
        producer.send(topic, b"%d" % n, timestamp_ms=1_700_000_000_000 + n * 1000).get(WAIT)
    at = TopicPartition(topic, 0)
    consumer = reader()
    consumer.assign([at])
    found = consumer.offsets_for_times({at: 1_700_000_004_500})
    assert (found[at].offset, found[at].timestamp) == (5, 1_700_000_005_000)
    assert (consumer.beginning_offsets([at]), consumer.end_offsets([at])) == ({at: 0}, {at: 10})
    consumer.seek(at, 7)
    assert next(iter(consumer)).offset == 7
    consumer.close()


def administers_topics():
    with admin() as client:
        topic = make(1)
        try:
            client.create_topics([NewTopic(topic, 1, 1)])
            raise AssertionError("made twice")
        except TopicAlreadyExistsError:
            pass
        client.create_partitions({topic: 3})
        assert len(client.describe_topics([topic])[0]["partitions"]) == 3
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "7200000"})])
        told = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        assert told["topic"][topic]["retention.ms"]["value"] == "7200000", told
        produce(topic, 30)
        client.delete_records({TopicPartition(topic, p): -1 for p in range(3)})
        client.delete_topics([topic])
        assert topic not in client.list_topics()


def administers_the_cluster():
    with admin() as client:
        topic = make(1)
        broker = client.describe_cluster()["brokers"][0]
        resource = ConfigResource(ConfigResourceType.BROKER, str(broker["broker_id"]))
        told = client.describe_configs([resource], config_filter="all")
        address = told["broker"][str(broker["broker_id"])]["advertised.listeners"]
        assert address["config_source"] == "STATIC_BROKER_CONFIG" and BROKER in address["value"], address
        assert client.list_partition_reassignments() == {}
        assert client.describe_metadata_quorum()["topics"][0]["topic_name"] == "__cluster_metadata"
        assert topic in str(client.describe_log_dirs())
        assert client.list_transactions() == {broker["broker_id"]: []}
        try:
            client.describe_acls(any_acl())
            raise AssertionError("ACLs without an authorizer")
        except SecurityDisabledError:
            pass


def any_acl():
    from kafka.admin import ACLFilter, ACLOperation, ACLPermissionType, ResourcePatternFilter, ResourceType
    from kafka.admin import ACLResourcePatternType

    pattern = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    return ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, pattern)


def administers_groups():
    topic, group = make(1), named("group")
    at = TopicPartition(topic, 0)
    with admin() as client:
        client.alter_group_offsets(group, {at: OffsetAndMetadata(7, "", -1)})
        assert client.list_group_offsets({group: [at]})[group][at].offset == 7
        assert client.describe_groups([group])[group]["group_state"] == "Empty"
        assert group in str(client.list_groups())
        client.delete_groups([group])
        assert group not in str(client.list_groups())


def is_refused_a_large_record():
    topic = make(1, {"max.message.bytes": "2000"})
    try:
        KafkaProducer(bootstrap_servers=BROKER).send(topic, b"x" * 5000).get(WAIT)
    except MessageSizeTooLargeError:
        return
    raise AssertionError("a record over max.message.bytes was taken")


CHECKS = {
    **{codec: lambda codec=codec: round_trip(compression_type=codec) for codec in ["gzip", "snappy", "lz4", "zstd"]},
    "plain": lambda: round_trip(enable_idempotence=False, acks=1),
    "idempotent": lambda: round_trip(enable_idempotence=True),
    "shared": two_members_share_a_topic,
    "seeks": seeks,
    "topics": administers_topics,
    "cluster": administers_the_cluster,
    "groups": administers_groups,
    "large": is_refused_a_large_record,
}

if __name__ == "__main__":
    CHECKS[sys.argv[2]]()
