// Kafka Streams counts words, at least once: a repartition topic, a changelog topic, a group of two threads.
// Run by ../kafka-clients.ts as `java WordCount.java BROKER`; ends with 0, or with what was wrong.
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;

public class WordCount {
  static final int LINES = 2000;

  public static void main(String[] args) throws Exception {
    var broker = args[0];
    var app = "acme.java-words-" + Long.toHexString(System.nanoTime());
    var state = Files.createTempDirectory("words");
    try (var admin = Admin.create(Map.of("bootstrap.servers", broker))) {
      var topics = List.of(new NewTopic(app + "-in", 2, (short) 1), new NewTopic(app + "-out", 2, (short) 1));
      admin.createTopics(topics).all().get(20, TimeUnit.SECONDS);
      fill(broker, app + "-in");
      try (var streams = new KafkaStreams(topology(app), config(broker, app, state))) {
        streams.start();
        awaitCounts(broker, app);
        awaitPurge(admin, app + "-counts-repartition");
      }
      var names = admin.listTopics().names().get(20, TimeUnit.SECONDS);
      if (!names.contains(app + "-counts-changelog")) throw new AssertionError("no changelog topic");
    } finally {
      try (var files = Files.walk(state)) {
        for (var file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
      }
    }
  }

  static Properties config(String broker, String app, Path state) {
    var config = new Properties();
    config.putAll(Map.of(
        "application.id", app, "bootstrap.servers", broker, "state.dir", state.toString(), "num.stream.threads", 2,
        "commit.interval.ms", 200, "repartition.purge.interval.ms", 500, "auto.offset.reset", "earliest",
        "default.key.serde", Serdes.StringSerde.class, "default.value.serde", Serdes.StringSerde.class));
    return config;
  }

  static Topology topology(String app) {
    var builder = new StreamsBuilder();
    builder.<String, String>stream(app + "-in")
        .flatMapValues(line -> Arrays.asList(line.split(" ")))
        .groupBy((key, word) -> word)
        .count(Materialized.as("counts"))
        .toStream()
        .mapValues(count -> "" + count)
        .to(app + "-out");
    return builder.build();
  }

  static void fill(String broker, String topic) {
    var config = Map.<String, Object>of("bootstrap.servers", broker);
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      for (var n = 0; n < LINES; n++) producer.send(new ProducerRecord<>(topic, "k" + n, "the fox " + n % 10));
    }
  }

  static void awaitCounts(String broker, String app) {
    var config = Map.<String, Object>of("bootstrap.servers", broker, "group.id", app + "-check", "auto.offset.reset", "earliest");
    try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(app + "-out"));
      var counts = new HashMap<String, String>();
      var end = System.currentTimeMillis() + 30_000;
      while (!complete(counts)) {
        if (System.currentTimeMillis() > end) throw new AssertionError("counted " + counts);
        for (var record : consumer.poll(Duration.ofMillis(200))) counts.put(record.key(), record.value());
      }
    }
  }

  static boolean complete(Map<String, String> counts) {
    if (!("" + LINES).equals(counts.get("fox"))) return false;
    for (var digit = 0; digit < 10; digit++) if (!("" + LINES / 10).equals(counts.get("" + digit))) return false;
    return true;
  }

  /** Streams deletes what it has read from a repartition topic. */
  static void awaitPurge(Admin admin, String topic) throws Exception {
    var end = System.currentTimeMillis() + 20_000;
    for (var purged = false; !purged; Thread.sleep(200)) {
      if (System.currentTimeMillis() > end) throw new AssertionError("nothing was purged");
      for (var partition = 0; partition < 2; partition++) {
        var at = new TopicPartition(topic, partition);
        purged |= admin.listOffsets(Map.of(at, OffsetSpec.earliest())).partitionResult(at).get().offset() > 0;
      }
    }
  }
}
