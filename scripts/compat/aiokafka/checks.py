"""What aiokafka does against a broker. `checks.py BROKER CHECK` runs one check; it ends with 0 or with what was wrong.
Called by `aiokafka.ts`."""
import asyncio
import sys
import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError

BROKER = sys.argv[1]
WAIT = 20


def named(what):
    return f"acme.aio-{what}-{uuid.uuid4().hex[:8]}"


async def admin():
    client = AIOKafkaAdminClient(bootstrap_servers=BROKER)
    await client.start()
    return client


async def make(partitions=3, configs=None):
    topic, client = named("topic"), await admin()
    answer = await client.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs or {})])
    await client.close()
    assert answer.topic_errors[0][1] == 0, answer
    return topic


async def produce(topic, count, **options):
    """Sends `count` records and returns {(partition, offset): value} as the broker acknowledged them."""
    async with AIOKafkaProducer(bootstrap_servers=BROKER, linger_ms=5, **options) as producer:
        sent = [(await producer.send(topic, f"{topic} {n}".encode(), key=b"k%d" % (n % 31), headers=[("n", b"%d" % n)]))
                for n in range(count)]
        told = [await future for future in sent]
        return {(at.partition, at.offset): f"{topic} {n}".encode() for n, at in enumerate(told)}


async def consume(consumer, count):
    found = {}
    async with asyncio.timeout(WAIT):
        while len(found) < count:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found.update({(record.partition, record.offset): record.value for record in records})
    return found


def reader(*topics, **options):
    return AIOKafkaConsumer(*topics, bootstrap_servers=BROKER, auto_offset_reset="earliest",
                            metadata_max_age_ms=500, heartbeat_interval_ms=200, **options)


async def round_trip(**options):
    topic = await make()
    acked = await produce(topic, 1000, **options)
    async with reader(topic, group_id=named("group")) as consumer:
        assert await consume(consumer, 1000) == acked


async def two_members_share_a_topic():
    topic, group = await make(4), named("group")
    acked = await produce(topic, 400)
    async with reader(topic, group_id=group) as first:
        found = await consume(first, 400)
        await first.commit()
        async with reader(topic, group_id=group) as second:
            async with asyncio.timeout(WAIT):
                while not (len(first.assignment()) == 2 and len(second.assignment()) == 2):
                    await asyncio.gather(first.getmany(timeout_ms=100), second.getmany(timeout_ms=100))
            assert not first.assignment() & second.assignment()
        more = await produce(topic, 40)
        assert await consume(first, 40) == more and found == acked


async def a_pattern_finds_new_topics():
    prefix = named("pattern")

    class Seen(ConsumerRebalanceListener):
        assigned = set()

        async def on_partitions_revoked(self, revoked):
            pass

        async def on_partitions_assigned(self, assigned):
            self.assigned = set(assigned)

    seen, consumer = Seen(), reader(group_id=named("group"))
    await consumer.start()
    consumer.subscribe(pattern=f"^{prefix}.*", listener=seen)
    acked = await produce(f"{prefix}-late", 20)
    assert await consume(consumer, 20) == acked
    assert {at.topic for at in seen.assigned} == {f"{prefix}-late"}
    await consumer.stop()


async def seeks_and_pauses():
    topic = await make(1)
    async with AIOKafkaProducer(bootstrap_servers=BROKER) as producer:
        for n in range(10):
            await producer.send_and_wait(topic, b"%d" % n, timestamp_ms=1_700_000_000_000 + n * 1000)
    async with reader(topic) as consumer:
        at = TopicPartition(topic, 0)
        found = await consumer.offsets_for_times({at: 1_700_000_004_500})
        assert (found[at].offset, found[at].timestamp) == (5, 1_700_000_005_000)
        assert (await consumer.beginning_offsets([at]), await consumer.end_offsets([at])) == ({at: 0}, {at: 10})
        consumer.seek(at, 7)
        assert (await consumer.getone()).offset == 7
        consumer.pause(at)
        assert await consumer.getmany(timeout_ms=300) == {}
        consumer.resume(at)
        await consumer.seek_to_beginning()
        assert (await consumer.getone()).offset == 0


async def administers():
    topic, client = await make(1), await admin()
    await client.create_partitions({topic: NewPartitions(3)})
    described = await client.describe_topics([topic])
    assert len(described[0]["partitions"]) == 3
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "7200000"})
    await client.alter_configs([resource])
    answer = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    assert {entry[0]: entry[1] for entry in answer[0].resources[0][4]}["retention.ms"] == "7200000"
    acked = await produce(topic, 30, enable_idempotence=True)
    deleted = await client.delete_records({TopicPartition(topic, p): RecordsToDelete(-1) for p in range(3)})
    assert sum(deleted.values()) == len(acked)
    group = named("group")
    async with reader(topic, group_id=group) as consumer:
        await consumer.commit({TopicPartition(topic, 0): 2})
    assert (group, "consumer") in await client.list_consumer_groups()
    offsets = await client.list_consumer_group_offsets(group)
    assert offsets[TopicPartition(topic, 0)].offset == 2
    await client.delete_topics([topic])
    assert topic not in await client.list_topics()
    await client.close()


async def is_refused_a_large_record():
    topic = await make(1, {"max.message.bytes": "2000"})
    async with AIOKafkaProducer(bootstrap_servers=BROKER) as producer:
        try:
            await producer.send_and_wait(topic, b"x" * 5000)
        except MessageSizeTooLargeError:
            return
    raise AssertionError("a record over max.message.bytes was taken")


CHECKS = {
    **{codec: lambda codec=codec: round_trip(compression_type=codec) for codec in ["gzip", "snappy", "lz4", "zstd"]},
    "plain": round_trip,
    "idempotent": lambda: round_trip(enable_idempotence=True, acks="all"),
    "shared": two_members_share_a_topic,
    "pattern": a_pattern_finds_new_topics,
    "seeks": seeks_and_pauses,
    "admin": administers,
    "large": is_refused_a_large_record,
}

if __name__ == "__main__":
    asyncio.run(CHECKS[sys.argv[2]]())
