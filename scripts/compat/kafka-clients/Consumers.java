// Kafka's Java consumer in all the ways in which a classic group can be had: each assignor, static members, patterns.
// Run by ../kafka-clients.ts as `java Consumers.java BROKER`; ends with 0, or with what was wrong.
import java.time.Duration;
import java.util.*;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.*;

public class Consumers {
  static final int RECORDS = 400;
  static String broker;
  static Admin admin;

  public static void main(String[] args) throws Exception {
    broker = args[0];
    try (var opened = Admin.create(Map.of("bootstrap.servers", broker))) {
      admin = opened;
      for (var assignor : List.of("Range", "RoundRobin", "Sticky", "CooperativeSticky")) share(assignor);
      staticMember();
      pattern();
      places();
    }
  }

  static void check(boolean holds, Object what) {
    if (!holds) throw new AssertionError(what);
  }

  static String name(String what) {
    return "acme.java-" + what + "-" + Long.toHexString(System.nanoTime());
  }

  static String topic(int partitions) throws Exception {
    var topic = name("topic");
    admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get(20, TimeUnit.SECONDS);
    return topic;
  }

  static void fill(String topic, String codec) throws Exception {
    var config = Map.<String, Object>of("bootstrap.servers", broker, "compression.type", codec);
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      for (var n = 0; n < RECORDS; n++) {
        var record = new ProducerRecord<>(topic, null, 1_700_000_000_000L + n, "k" + n, "v" + n);
        record.headers().add("n", new byte[] {(byte) n});
        producer.send(record);
      }
    }
  }

  static KafkaConsumer<String, String> consumer(Map<String, Object> more) {
    var config = new HashMap<String, Object>(Map.of(
        "bootstrap.servers", broker, "auto.offset.reset", "earliest", "metadata.max.age.ms", "500",
        "heartbeat.interval.ms", "200", "session.timeout.ms", "10000"));
    config.putAll(more);
    return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
  }

  interface Holds {
    boolean now();
  }

  /** Polls all of them until it holds; returns the values that came. */
  static Set<String> until(Holds holds, Set<String> found, List<KafkaConsumer<String, String>> members) {
    var end = System.currentTimeMillis() + 20_000;
    while (!holds.now()) {
      check(System.currentTimeMillis() < end, "never held; " + found.size() + " records came");
      for (var member : members) for (var record : member.poll(Duration.ofMillis(50))) found.add(record.value());
    }
    return found;
  }

  static void share(String assignor) throws Exception {
    var topic = topic(4);
    fill(topic, Map.of("Range", "gzip", "RoundRobin", "snappy", "Sticky", "lz4").getOrDefault(assignor, "zstd"));
    var strategy = "org.apache.kafka.clients.consumer." + assignor + "Assignor";
    var config = Map.<String, Object>of("group.id", name("group"), "partition.assignment.strategy", strategy);
    try (var first = consumer(config); var second = consumer(config)) {
      var found = new HashSet<String>();
      first.subscribe(List.of(topic));
      until(() -> first.assignment().size() == 4, found, List.of(first));
      second.subscribe(List.of(topic));
      var both = List.of(first, second);
      until(() -> first.assignment().size() == 2 && second.assignment().size() == 2, found, both);
      until(() -> found.size() == RECORDS, found, both);
      first.commitSync();
      second.commitSync();
      var committed = first.committed(first.assignment()).values().stream().mapToLong(OffsetAndMetadata::offset).sum()
          + second.committed(second.assignment()).values().stream().mapToLong(OffsetAndMetadata::offset).sum();
      check(committed == RECORDS, committed);
    }
  }

  static void staticMember() throws Exception {
    var topic = topic(2);
    var config = Map.<String, Object>of("group.id", name("group"), "group.instance.id", "one");
    var assigned = new ArrayList<Integer>();
    for (var start = 0; start < 2; start++) {
      try (var member = consumer(config)) {
        member.subscribe(List.of(topic));
        until(() -> member.assignment().size() == 2, new HashSet<>(), List.of(member));
        assigned.add(member.groupMetadata().generationId());
      }
    }
    check(assigned.get(0).equals(assigned.get(1)), "a static member that came back made a new generation: " + assigned);
    var left = new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("one")));
    admin.removeMembersFromConsumerGroup((String) config.get("group.id"), left).all().get(20, TimeUnit.SECONDS);
  }

  static void pattern() throws Exception {
    var prefix = name("pattern");
    try (var member = consumer(Map.of("group.id", name("group")))) {
      member.subscribe(Pattern.compile(Pattern.quote(prefix) + ".*"));
      member.poll(Duration.ofMillis(200));
      fill(prefix + "-late", "none");
      var found = new HashSet<String>();
      until(() -> found.size() == RECORDS, found, List.of(member));
    }
  }

  static void places() throws Exception {
    var at = new TopicPartition(topic(1), 0);
    fill(at.topic(), "none");
    try (var reader = consumer(Map.of("isolation.level", "read_committed", "max.poll.records", "10"))) {
      reader.assign(List.of(at));
      check(reader.beginningOffsets(List.of(at)).get(at) == 0, "beginning");
      check(reader.endOffsets(List.of(at)).get(at) == RECORDS, "end");
      check(reader.offsetsForTimes(Map.of(at, 1_700_000_000_250L)).get(at).offset() == 250, "time");
      reader.seek(at, 300);
      check(reader.poll(Duration.ofSeconds(10)).iterator().next().offset() == 300, "seek");
      reader.pause(List.of(at));
      check(reader.poll(Duration.ofMillis(300)).isEmpty(), "records of a paused partition");
      reader.resume(List.of(at));
      reader.seekToEnd(List.of(at));
      check(reader.position(at) == RECORDS, "position");
      reader.wakeup();
      try {
        reader.poll(Duration.ofSeconds(10));
        check(false, "not woken up");
      } catch (WakeupException expected) {
      }
    }
  }
}
