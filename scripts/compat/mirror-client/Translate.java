// What Java applications ask of MirrorMaker 2's topics, by Apache Kafka's connect-mirror-client: where a group goes on in
// the copies, and which clusters feed this one. Run by ../mirror-client.ts as `java Translate.java SOURCE TARGET ALIAS`, with
// a mirror from SOURCE to TARGET under way; ends with 0, or with what was wrong.
import java.time.Duration;
import java.util.*;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.connect.mirror.RemoteClusterUtils;

public class Translate {
  static final String TOPIC = "orders";
  static final String GROUP = "billing";
  static final int RECORDS = 1_000;
  static final int[] PROCESSED = {700, 3};
  static final long LIMIT_MS = 40_000;

  public static void main(String[] args) throws Exception {
    String source = args[0], target = args[1], alias = args[2];
    fill(source);
    Map<String, Object> properties = Map.of("bootstrap.servers", target);
    Map<TopicPartition, OffsetAndMetadata> translated = translated(properties, alias);
    for (int partition = 0; partition < PROCESSED.length; partition++) {
      TopicPartition copy = new TopicPartition(alias + "." + TOPIC, partition);
      same(valueAt(target, copy, translated.get(copy).offset()), partition + ":" + PROCESSED[partition]);
    }
    same(RemoteClusterUtils.upstreamClusters(properties), Set.of(alias));
    same(RemoteClusterUtils.replicationHops(properties, alias), 1);
    same(RemoteClusterUtils.checkpointTopics(properties), Set.of(alias + ".checkpoints.internal"));
    if (!RemoteClusterUtils.heartbeatTopics(properties).contains(alias + ".heartbeats"))
      throw new AssertionError("no heartbeats of " + alias + ": " + RemoteClusterUtils.heartbeatTopics(properties));
  }

  static void fill(String source) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", source))) {
      admin.createTopics(List.of(new NewTopic(TOPIC, PROCESSED.length, (short) 1))).all().get(20, TimeUnit.SECONDS);
      Map<String, Object> settings = Map.of("bootstrap.servers", source, "acks", "all");
      try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
        for (int partition = 0; partition < PROCESSED.length; partition++)
          for (int number = 0; number < RECORDS; number++)
            producer.send(new ProducerRecord<>(TOPIC, partition, null, partition + ":" + number));
      }
      Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
      for (int partition = 0; partition < PROCESSED.length; partition++)
        offsets.put(new TopicPartition(TOPIC, partition), new OffsetAndMetadata(PROCESSED[partition]));
      admin.alterConsumerGroupOffsets(GROUP, offsets).all().get(20, TimeUnit.SECONDS);
    }
  }

  static Map<TopicPartition, OffsetAndMetadata> translated(Map<String, Object> properties, String alias) throws Exception {
    long until = System.currentTimeMillis() + LIMIT_MS;
    for (;;) {
      Map<TopicPartition, OffsetAndMetadata> offsets = Map.of();
      Exception trouble = null;
      try {
        offsets = RemoteClusterUtils.translateOffsets(properties, alias, GROUP, Duration.ofSeconds(5));
      } catch (Exception notThereYet) {
        trouble = notThereYet;
      }
      if (offsets.size() == PROCESSED.length) return offsets;
      if (System.currentTimeMillis() > until) throw new AssertionError("translated: " + offsets, trouble);
      Thread.sleep(500);
    }
  }

  static String valueAt(String target, TopicPartition copy, long offset) {
    Map<String, Object> settings = Map.of("bootstrap.servers", target, "isolation.level", "read_committed");
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.assign(List.of(copy));
      consumer.seek(copy, offset);
      long until = System.currentTimeMillis() + LIMIT_MS;
      while (System.currentTimeMillis() < until)
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) return record.value();
      throw new AssertionError("nothing to read in " + copy + " at " + offset);
    }
  }

  static void same(Object found, Object expected) {
    if (!Objects.equals(found, expected)) throw new AssertionError("found " + found + ", expected " + expected);
  }
}
