// The checks of sarama's cluster admin.
package main

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

func topics(broker string) error {
	topic, admin, err := makeTopic(broker, 1)
	if err != nil {
		return err
	}
	defer admin.Close()
	again := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)
	if !errors.Is(again, sarama.ErrTopicAlreadyExists) {
		return fmt.Errorf("made twice: %w", again)
	}
	retention := "7200000"
	set := map[string]sarama.IncrementalAlterConfigsEntry{
		"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &retention},
	}
	if err := errors.Join(
		admin.CreatePartitions(topic, 3, nil, false),
		admin.IncrementalAlterConfig(sarama.TopicResource, topic, set, false),
	); err != nil {
		return err
	}
	entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"retention.ms"}})
	if err != nil || len(entries) != 1 || entries[0].Value != retention {
		return fmt.Errorf("retention.ms is %v: %w", entries, err)
	}
	if _, err := fill(broker, topic, 60, config()); err != nil {
		return err
	}
	if err := admin.DeleteRecords(topic, map[int32]int64{0: -1, 1: -1, 2: -1}); err != nil {
		return err
	}
	described, err := admin.DescribeTopics([]string{topic})
	if err != nil || len(described[0].Partitions) != 3 {
		return fmt.Errorf("described as %v: %w", described, err)
	}
	if err := admin.DeleteTopic(topic); err != nil {
		return err
	}
	listed, err := admin.ListTopics()
	if _, there := listed[topic]; there || err != nil {
		return fmt.Errorf("%s is still there: %w", topic, err)
	}
	return nil
}

func cluster(broker string) error {
	topic, admin, err := makeTopic(broker, 2)
	if err != nil {
		return err
	}
	defer admin.Close()
	brokers, controller, err := admin.DescribeCluster()
	if err != nil || len(brokers) != 1 || brokers[0].ID() != controller {
		return fmt.Errorf("brokers %v, controller %d: %w", brokers, controller, err)
	}
	dirs, err := admin.DescribeLogDirs([]int32{controller})
	if err != nil || len(dirs[controller]) == 0 {
		return fmt.Errorf("log dirs %v: %w", dirs, err)
	}
	if _, err := admin.ListPartitionReassignments(topic, []int32{0, 1}); err != nil {
		return err
	}
	if err := admin.AlterPartitionReassignments(topic, [][]int32{{controller}, {controller}}); err != nil {
		return err
	}
	if err := admin.AlterPartitionReassignments(topic, [][]int32{{controller + 1}, {controller}}); err == nil {
		return errors.New("moved to a broker that does not exist")
	}
	quotas, err := admin.DescribeClientQuotas(nil, false)
	if err != nil || len(quotas) != 0 {
		return fmt.Errorf("quotas %v: %w", quotas, err)
	}
	users, err := admin.DescribeUserScramCredentials([]string{"nobody"})
	if err != nil || users[0].ErrorCode != 91 {
		return fmt.Errorf("users %v: %w", users, err)
	}
	_, err = admin.ListAcls(sarama.AclFilter{ResourceType: sarama.AclResourceAny, Operation: sarama.AclOperationAny, PermissionType: sarama.AclPermissionAny, ResourcePatternTypeFilter: sarama.AclPatternAny, Version: 1})
	if !errors.Is(err, sarama.ErrSecurityDisabled) {
		return fmt.Errorf("ACLs without an authorizer: %w", err)
	}
	return nil
}

func groups(broker string) error {
	topic, admin, err := makeTopic(broker, 1)
	if err != nil {
		return err
	}
	defer admin.Close()
	name := named("group")
	client, err := sarama.NewClient([]string{broker}, config())
	if err != nil {
		return err
	}
	defer client.Close()
	coordinator, err := client.Coordinator(name)
	if err != nil {
		return err
	}
	commit := &sarama.OffsetCommitRequest{Version: 7, ConsumerGroup: name, ConsumerGroupGeneration: -1}
	commit.AddBlock(topic, 0, 7, 0, "")
	if _, err := coordinator.CommitOffset(commit); err != nil {
		return err
	}
	listed, err := admin.ListConsumerGroups()
	if _, there := listed[name]; !there || err != nil {
		return fmt.Errorf("%s is not listed: %w", name, err)
	}
	described, err := admin.DescribeConsumerGroups([]string{name})
	if err != nil || described[0].State != "Empty" {
		return fmt.Errorf("described as %v: %w", described, err)
	}
	return errors.Join(admin.DeleteConsumerGroupOffset(name, topic, 0), deleted(admin, name))
}

// deleted removes the group, unless it went with its last offset.
func deleted(admin sarama.ClusterAdmin, name string) error {
	err := admin.DeleteConsumerGroup(name)
	if errors.Is(err, sarama.ErrGroupIDNotFound) {
		return nil
	}
	return err
}
