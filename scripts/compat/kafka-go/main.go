// What kafka-go does against a broker. `kafka-go BROKER CHECK` runs one check and ends with 0, or with what was wrong.
// Called by ../kafka-go.ts.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/segmentio/kafka-go"
)

const records = 1000

var checks = map[string]func(context.Context, string) error{
	"plain":  roundTrip(0),
	"gzip":   roundTrip(kafka.Gzip),
	"snappy": roundTrip(kafka.Snappy),
	"lz4":    roundTrip(kafka.Lz4),
	"zstd":   roundTrip(kafka.Zstd),
	"conn":   conn,
	"group":  group,
	"admin":  admin,
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 45*time.Second)
	defer cancel()
	check, known := checks[os.Args[2]]
	if !known {
		fmt.Fprintln(os.Stderr, "unknown check", os.Args[2])
		os.Exit(2)
	}
	if err := check(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func named(what string) string {
	return fmt.Sprintf("acme.kafka-go-%s-%d", what, time.Now().UnixNano())
}

func makeTopic(ctx context.Context, broker string, partitions int) (string, error) {
	topic := named("topic")
	client := kafka.Client{Addr: kafka.TCP(broker)}
	answer, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}},
	})
	if err != nil {
		return topic, err
	}
	return topic, answer.Errors[topic]
}

// fill writes records, each with a value of its own.
func fill(ctx context.Context, broker, topic string, count int, codec kafka.Compression) error {
	writer := kafka.Writer{
		Addr: kafka.TCP(broker), Topic: topic, Balancer: &kafka.Hash{}, RequiredAcks: kafka.RequireAll,
		Compression: codec, BatchTimeout: 5 * time.Millisecond,
		// A transport of its own: the shared one remembers for seconds that the topic was not there.
		Transport: &kafka.Transport{},
	}
	defer writer.Close()
	batch := make([]kafka.Message, count)
	for n := range batch {
		batch[n] = kafka.Message{
			Key: fmt.Appendf(nil, "k%d", n%31), Value: fmt.Appendf(nil, "%s %d", topic, n),
			Headers: []kafka.Header{{Key: "n", Value: fmt.Appendf(nil, "%d", n)}},
		}
	}
	return writer.WriteMessages(ctx, batch...)
}

// drain reads until every value of `fill` has come.
func drain(ctx context.Context, topic string, count int, readers ...*kafka.Reader) error {
	found := make(chan kafka.Message)
	failed := make(chan error, len(readers))
	for _, reader := range readers {
		go func() {
			for {
				message, err := reader.ReadMessage(ctx)
				if err != nil {
					failed <- err
					return
				}
				found <- message
			}
		}()
	}
	left := map[string]bool{}
	for n := range count {
		left[fmt.Sprintf("%s %d", topic, n)] = true
	}
	for len(left) > 0 {
		select {
		case message := <-found:
			delete(left, string(message.Value))
		case err := <-failed:
			return fmt.Errorf("%d of %d records did not come: %w", len(left), count, err)
		}
	}
	return nil
}

func roundTrip(codec kafka.Compression) func(context.Context, string) error {
	return func(ctx context.Context, broker string) error {
		topic, err := makeTopic(ctx, broker, 1)
		if err != nil {
			return err
		}
		if err := fill(ctx, broker, topic, records, codec); err != nil {
			return err
		}
		reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{broker}, Topic: topic, MaxWait: time.Second})
		defer reader.Close()
		return drain(ctx, topic, records, reader)
	}
}

func conn(ctx context.Context, broker string) error {
	control, err := kafka.DialContext(ctx, "tcp", broker)
	if err != nil {
		return err
	}
	defer control.Close()
	topic := named("conn")
	if err := control.CreateTopics(kafka.TopicConfig{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}); err != nil {
		return err
	}
	leader, err := kafka.DialLeader(ctx, "tcp", broker, topic, 0)
	if err != nil {
		return err
	}
	defer leader.Close()
	start := time.UnixMilli(1_700_000_000_000)
	for n := range 10 {
		message := kafka.Message{Value: fmt.Appendf(nil, "%d", n), Time: start.Add(time.Duration(n) * time.Second)}
		if _, err := leader.WriteMessages(message); err != nil {
			return err
		}
	}
	first, last, err := leader.ReadOffsets()
	if err != nil || first != 0 || last != 10 {
		return fmt.Errorf("offsets %d to %d: %w", first, last, err)
	}
	at, err := leader.ReadOffset(start.Add(4500 * time.Millisecond))
	if err != nil || at != 5 {
		return fmt.Errorf("the offset by time is %d: %w", at, err)
	}
	if _, err := leader.Seek(7, kafka.SeekAbsolute); err != nil {
		return err
	}
	message, err := leader.ReadMessage(1_000_000)
	if err != nil || string(message.Value) != "7" || message.Offset != 7 {
		return fmt.Errorf("at 7 is %q: %w", message.Value, err)
	}
	return control.DeleteTopics(topic)
}

func group(ctx context.Context, broker string) error {
	topic, err := makeTopic(ctx, broker, 4)
	if err != nil {
		return err
	}
	if err := fill(ctx, broker, topic, 400, 0); err != nil {
		return err
	}
	name := named("group")
	join := func() *kafka.Reader {
		return kafka.NewReader(kafka.ReaderConfig{
			Brokers: []string{broker}, GroupID: name, Topic: topic, StartOffset: kafka.FirstOffset,
			MaxWait: 500 * time.Millisecond, HeartbeatInterval: 200 * time.Millisecond,
		})
	}
	first, second := join(), join()
	if err := errors.Join(drain(ctx, topic, 400, first, second), first.Close(), second.Close()); err != nil {
		return err
	}
	client := kafka.Client{Addr: kafka.TCP(broker)}
	offsets, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: name, Topics: map[string][]int{topic: {0, 1, 2, 3}}})
	if err != nil {
		return err
	}
	committed := int64(0)
	for _, partition := range offsets.Topics[topic] {
		committed += max(0, partition.CommittedOffset)
	}
	if committed != 400 {
		return fmt.Errorf("400 were read, %d are committed", committed)
	}
	return nil
}

func admin(ctx context.Context, broker string) error {
	topic, err := makeTopic(ctx, broker, 2)
	if err != nil {
		return err
	}
	client := kafka.Client{Addr: kafka.TCP(broker), Transport: &kafka.Transport{}}
	resource := kafka.IncrementalAlterConfigsRequestResource{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
		Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: "retention.ms", Value: "7200000"}},
	}
	if _, err := client.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{resource},
	}); err != nil {
		return err
	}
	described, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{
			{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{"retention.ms"}},
		},
	})
	if err != nil || described.Resources[0].ConfigEntries[0].ConfigValue != "7200000" {
		return fmt.Errorf("described as %v: %w", described, err)
	}
	if _, err := client.ListPartitionReassignments(ctx, &kafka.ListPartitionReassignmentsRequest{
		Topics: map[string]kafka.ListPartitionReassignmentsRequestTopic{topic: {PartitionIndexes: []int{0, 1}}},
	}); err != nil {
		return err
	}
	moved, err := client.AlterPartitionReassignments(ctx, &kafka.AlterPartitionReassignmentsRequest{
		Topic: topic, Assignments: []kafka.AlterPartitionReassignmentsRequestAssignment{{PartitionID: 0, BrokerIDs: []int{1}}},
	})
	if err != nil || moved.PartitionResults[0].Error != nil {
		return fmt.Errorf("reassigned as %v: %w", moved, err)
	}
	acls, err := client.DescribeACLs(ctx, &kafka.DescribeACLsRequest{Filter: kafka.ACLFilter{ResourceTypeFilter: kafka.ResourceTypeAny}})
	if err != nil || !errors.Is(acls.Error, kafka.SecurityDisabled) {
		return fmt.Errorf("ACLs without an authorizer: %v: %w", acls, err)
	}
	offsets, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: {kafka.FirstOffsetOf(0), kafka.LastOffsetOf(0)}},
	})
	if err != nil || offsets.Topics[topic][0].LastOffset != 0 {
		return fmt.Errorf("offsets %v: %w", offsets, err)
	}
	groups, err := client.ListGroups(ctx, &kafka.ListGroupsRequest{})
	return errors.Join(err, groups.Error)
}
