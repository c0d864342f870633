// Every call of Kafka's Java admin client that one broker with classic groups serves, and the errors of what is off.
// Run by ../kafka-clients.ts as `java AdminCalls.java BROKER`; ends with 0, or with what was wrong.
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.serialization.StringSerializer;

public class AdminCalls {
  static Admin admin;
  static String broker;

  public static void main(String[] args) throws Exception {
    broker = args[0];
    try (var opened = Admin.create(Map.of("bootstrap.servers", broker))) {
      admin = opened;
      topics();
      configs();
      records();
      groups();
      cluster();
      off();
    }
  }

  static <T> T get(KafkaFuture<T> future) throws Exception {
    return future.get(20, TimeUnit.SECONDS);
  }

  static void same(Object found, Object expected) {
    if (!Objects.equals(found, expected)) throw new AssertionError("found " + found + ", expected " + expected);
  }

  interface Call {
    Object run() throws Exception;
  }

  static void refused(Class<?> error, Call call) throws Exception {
    try {
      throw new AssertionError(call.run() + " instead of " + error.getSimpleName());
    } catch (ExecutionException e) {
      same(e.getCause().getClass(), error);
    }
  }

  static String name(String what) {
    return "acme.java-" + what + "-" + Long.toHexString(System.nanoTime());
  }

  static String topic(int partitions) throws Exception {
    var topic = name("topic");
    get(admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all());
    return topic;
  }

  static void topics() throws Exception {
    var topic = name("topic");
    var made = admin.createTopics(List.of(new NewTopic(topic, 2, (short) 1).configs(Map.of("retention.ms", "7200000"))));
    same(get(made.numPartitions(topic)), 2);
    same(get(made.config(topic)).get("retention.ms").value(), "7200000");
    refused(TopicExistsException.class, () -> get(admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all()));
    var tooMany = new NewTopic(name("topic"), 1, (short) 2);
    refused(InvalidReplicationFactorException.class, () -> get(admin.createTopics(List.of(tooMany)).all()));
    get(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3, List.of(List.of(1))))).all());
    var described = get(admin.describeTopics(List.of(topic)).allTopicNames()).get(topic);
    same(described.partitions().size(), 3);
    var byId = get(admin.describeTopics(TopicCollection.ofTopicIds(List.of(described.topicId()))).allTopicIds());
    same(byId.get(described.topicId()).name(), topic);
    same(get(admin.listTopics().names()).contains(topic), true);
    get(admin.deleteTopics(TopicCollection.ofTopicIds(List.of(described.topicId()))).all());
    refused(UnknownTopicOrPartitionException.class, () -> get(admin.describeTopics(List.of(topic)).allTopicNames()));
  }

  static void configs() throws Exception {
    var topic = new ConfigResource(ConfigResource.Type.TOPIC, topic(1));
    var set = new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND);
    get(admin.incrementalAlterConfigs(Map.of(topic, List.of(set))).all());
    var options = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
    var entry = get(admin.describeConfigs(List.of(topic), options).all()).get(topic).get("cleanup.policy");
    same(entry.value(), "delete,compact");
    same(entry.source(), ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG);
    same(entry.synonyms().get(entry.synonyms().size() - 1).source(), ConfigEntry.ConfigSource.DEFAULT_CONFIG);
    same(entry.documentation() != null, true);
    var broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
    var own = get(admin.describeConfigs(List.of(broker)).all()).get(broker);
    same(own.get("advertised.listeners").value().endsWith(AdminCalls.broker), true);
    same(own.get("broker.id").value(), "1");
    var readOnly = new AlterConfigOp(new ConfigEntry("log.dirs", "/x"), AlterConfigOp.OpType.SET);
    refused(InvalidRequestException.class, () -> get(admin.incrementalAlterConfigs(Map.of(broker, List.of(readOnly))).all()));
    var types = Set.of(ConfigResource.Type.TOPIC, ConfigResource.Type.BROKER);
    same(get(admin.listConfigResources(types, new ListConfigResourcesOptions()).all()).contains(topic), true);
  }

  static void records() throws Exception {
    var at = new TopicPartition(topic(1), 0);
    var config = Map.<String, Object>of("bootstrap.servers", broker, "compression.type", "zstd");
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      Future<RecordMetadata> sent = null;
      for (var n = 0; n < 100; n++) {
        sent = producer.send(new ProducerRecord<>(at.topic(), 0, 1_700_000_000_000L + n, "k" + n, "v" + n));
      }
      same(sent.get(20, TimeUnit.SECONDS).offset(), 99L);
    }
    same(offset(at, OffsetSpec.earliest()), 0L);
    same(offset(at, OffsetSpec.latest()), 100L);
    same(offset(at, OffsetSpec.forTimestamp(1_700_000_000_050L)), 50L);
    same(offset(at, OffsetSpec.forTimestamp(1_900_000_000_000L)), -1L);
    same(offset(at, OffsetSpec.maxTimestamp()), 99L);
    same(offset(at, OffsetSpec.earliestLocal()), 0L);
    same(offset(at, OffsetSpec.latestTiered()), -1L);
    var producers = get(admin.describeProducers(List.of(at)).partitionResult(at)).activeProducers();
    same(producers.get(0).lastSequence(), 99);
    same(get(admin.deleteRecords(Map.of(at, RecordsToDelete.beforeOffset(40))).lowWatermarks().get(at)).lowWatermark(), 40L);
    same(offset(at, OffsetSpec.earliest()), 40L);
    refused(OffsetOutOfRangeException.class, () -> get(admin.deleteRecords(Map.of(at, RecordsToDelete.beforeOffset(500))).all()));
  }

  static Object offset(TopicPartition at, OffsetSpec spec) throws Exception {
    return get(admin.listOffsets(Map.of(at, spec)).partitionResult(at)).offset();
  }

  static void groups() throws Exception {
    var at = new TopicPartition(topic(1), 0);
    var group = name("group");
    get(admin.alterConsumerGroupOffsets(group, Map.of(at, new OffsetAndMetadata(7, "half-way"))).all());
    same(get(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata()).get(at).metadata(), "half-way");
    same(get(admin.listGroups().all()).stream().anyMatch(each -> each.groupId().equals(group)), true);
    same(get(admin.describeConsumerGroups(List.of(group)).all()).get(group).groupState(), GroupState.EMPTY);
    same(get(admin.describeClassicGroups(List.of(group)).all()).get(group).state(), ClassicGroupState.EMPTY);
    refused(GroupIdNotFoundException.class, () -> get(admin.describeConsumerGroups(List.of(name("none"))).all()));
    get(admin.deleteConsumerGroupOffsets(group, Set.of(at)).all());
    get(admin.alterConsumerGroupOffsets(group, Map.of(at, new OffsetAndMetadata(1))).all());
    get(admin.deleteConsumerGroups(List.of(group)).all());
    refused(GroupIdNotFoundException.class, () -> get(admin.deleteConsumerGroups(List.of(group)).all()));
  }

  static void cluster() throws Exception {
    var at = new TopicPartition(topic(1), 0);
    var cluster = admin.describeCluster(new DescribeClusterOptions().includeAuthorizedOperations(true));
    same(get(cluster.controller()).id(), 1);
    same(get(cluster.authorizedOperations()).contains(AclOperation.ALTER_CONFIGS), true);
    same(get(admin.describeMetadataQuorum().quorumInfo()).leaderId(), 1);
    same(get(admin.describeFeatures().featureMetadata()).finalizedFeatures().containsKey("metadata.version"), true);
    var replica = new TopicPartitionReplica(at.topic(), 0, 1);
    var dir = get(admin.describeReplicaLogDirs(List.of(replica)).all()).get(replica).getCurrentReplicaLogDir();
    same(get(admin.describeLogDirs(List.of(1)).allDescriptions()).get(1).containsKey(dir), true);
    get(admin.alterReplicaLogDirs(Map.of(replica, dir)).all());
    refused(LogDirNotFoundException.class, () -> get(admin.alterReplicaLogDirs(Map.of(replica, "/nowhere")).all()));
    var election = get(admin.electLeaders(ElectionType.PREFERRED, Set.of(at)).partitions()).get(at).get();
    same(election.getClass(), ElectionNotNeededException.class);
    same(get(admin.listPartitionReassignments().reassignments()), Map.of());
    get(reassign(at, Optional.of(new NewPartitionReassignment(List.of(1)))));
    refused(InvalidReplicaAssignmentException.class, () -> get(reassign(at, Optional.of(new NewPartitionReassignment(List.of(2))))));
    refused(NoReassignmentInProgressException.class, () -> get(reassign(at, Optional.empty())));
  }

  static KafkaFuture<Void> reassign(TopicPartition at, Optional<NewPartitionReassignment> wanted) {
    return admin.alterPartitionReassignments(Map.of(at, wanted)).all();
  }

  static void off() throws Exception {
    same(get(admin.listTransactions().all()), List.of());
    refused(TransactionalIdNotFoundException.class, () -> get(admin.describeTransactions(List.of("absent")).all()));
    same(get(admin.describeClientQuotas(ClientQuotaFilter.all()).entities()), Map.of());
    same(get(admin.describeUserScramCredentials().all()), Map.of());
    refused(SecurityDisabledException.class, () -> get(admin.describeAcls(AclBindingFilter.ANY).values()));
    refused(SecurityDisabledException.class, () -> get(admin.deleteAcls(List.of(AclBindingFilter.ANY)).all()));
    same(get(admin.listGroups(ListGroupsOptions.forShareGroups()).all()), List.of());
  }
}
