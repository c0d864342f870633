// What sarama does against a broker. `sarama BROKER CHECK` runs one check and ends with 0, or with what was wrong.
// Called by ../sarama.ts.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

const records = 1000

var checks = map[string]func(string) error{
	"sync":           roundTrip("sync", func(c *sarama.Config) {}),
	"gzip":           roundTrip("gzip", func(c *sarama.Config) { c.Producer.Compression = sarama.CompressionGZIP }),
	"snappy":         roundTrip("snappy", func(c *sarama.Config) { c.Producer.Compression = sarama.CompressionSnappy }),
	"lz4":            roundTrip("lz4", func(c *sarama.Config) { c.Producer.Compression = sarama.CompressionLZ4 }),
	"zstd":           roundTrip("zstd", func(c *sarama.Config) { c.Producer.Compression = sarama.CompressionZSTD }),
	"idempotent":     roundTrip("idempotent", idempotent),
	"old":            roundTrip("old", func(c *sarama.Config) { c.Version = sarama.V2_1_0_0; c.ApiVersionsRequest = false }),
	"offset-manager": offsetManager,
	"group":          group,
	"topics":         topics,
	"cluster":        cluster,
	"groups":         groups,
}

func main() {
	check, known := checks[os.Args[2]]
	if !known {
		fmt.Fprintln(os.Stderr, "unknown check", os.Args[2])
		os.Exit(2)
	}
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion
	c.Producer.Return.Successes = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	return c
}

func idempotent(c *sarama.Config) {
	c.Producer.Idempotent = true
	c.Net.MaxOpenRequests = 1
}

func named(what string) string {
	return fmt.Sprintf("acme.sarama-%s-%d", what, time.Now().UnixNano())
}

func makeTopic(broker string, partitions int32) (string, sarama.ClusterAdmin, error) {
	topic := named("topic")
	admin, err := sarama.NewClusterAdmin([]string{broker}, config())
	if err != nil {
		return "", nil, err
	}
	return topic, admin, admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false)
}

// fill writes records and returns what was acknowledged, by place.
func fill(broker, topic string, count int, c *sarama.Config) (map[string]string, error) {
	producer, err := sarama.NewSyncProducer([]string{broker}, c)
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	batch := make([]*sarama.ProducerMessage, count)
	for n := range batch {
		batch[n] = &sarama.ProducerMessage{
			Topic:   topic,
			Key:     sarama.StringEncoder(fmt.Sprintf("k%d", n%31)),
			Value:   sarama.StringEncoder(fmt.Sprintf("%s %d", topic, n)),
			Headers: []sarama.RecordHeader{{Key: []byte("n"), Value: fmt.Appendf(nil, "%d", n)}},
		}
	}
	if err := producer.SendMessages(batch); err != nil {
		return nil, err
	}
	acked := map[string]string{}
	for n, m := range batch {
		acked[fmt.Sprintf("%d/%d", m.Partition, m.Offset)] = fmt.Sprintf("%s %d", topic, n)
	}
	if len(acked) != count {
		return nil, fmt.Errorf("%d places for %d records", len(acked), count)
	}
	return acked, nil
}

func roundTrip(_ string, change func(*sarama.Config)) func(string) error {
	return func(broker string) error {
		topic, admin, err := makeTopic(broker, 3)
		if err != nil {
			return err
		}
		defer admin.Close()
		c := config()
		change(c)
		acked, err := fill(broker, topic, records, c)
		if err != nil {
			return err
		}
		consumer, err := sarama.NewConsumer([]string{broker}, c)
		if err != nil {
			return err
		}
		defer consumer.Close()
		found := make(chan *sarama.ConsumerMessage)
		for partition := range int32(3) {
			reader, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
			if err != nil {
				return err
			}
			go func() {
				for message := range reader.Messages() {
					found <- message
				}
			}()
		}
		return match(acked, found)
	}
}

// match takes messages until all of `acked` have come; none may be another.
func match(acked map[string]string, found <-chan *sarama.ConsumerMessage) error {
	limit := time.After(20 * time.Second)
	left := len(acked)
	for seen := map[string]bool{}; left > 0; {
		select {
		case m := <-found:
			place := fmt.Sprintf("%d/%d", m.Partition, m.Offset)
			if acked[place] != string(m.Value) {
				return fmt.Errorf("%s holds %q, acknowledged was %q", place, m.Value, acked[place])
			}
			if !seen[place] {
				left--
			}
			seen[place] = true
		case <-limit:
			return fmt.Errorf("%d of %d records did not come", left, len(acked))
		}
	}
	return nil
}

func offsetManager(broker string) error {
	topic, admin, err := makeTopic(broker, 1)
	if err != nil {
		return err
	}
	defer admin.Close()
	name := named("group")
	manage := func(use func(sarama.PartitionOffsetManager) error) error {
		client, err := sarama.NewClient([]string{broker}, config())
		if err != nil {
			return err
		}
		defer client.Close()
		manager, err := sarama.NewOffsetManagerFromClient(name, client)
		if err != nil {
			return err
		}
		partition, err := manager.ManagePartition(topic, 0)
		if err != nil {
			return err
		}
		return errors.Join(use(partition), partition.Close(), manager.Close())
	}
	mark := func(p sarama.PartitionOffsetManager) error { p.MarkOffset(7, "half-way"); return nil }
	read := func(p sarama.PartitionOffsetManager) error {
		if offset, metadata := p.NextOffset(); offset != 7 || metadata != "half-way" {
			return fmt.Errorf("committed was 7, read is %d %q", offset, metadata)
		}
		return nil
	}
	return errors.Join(manage(mark), manage(read))
}

// member counts in `claims` how many partitions it has.
type member struct {
	found  chan *sarama.ConsumerMessage
	claims chan int
}

func (m member) Setup(s sarama.ConsumerGroupSession) error {
	claimed := 0
	for _, partitions := range s.Claims() {
		claimed += len(partitions)
	}
	m.claims <- claimed
	return nil
}
func (m member) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (m member) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		m.found <- message
		s.MarkMessage(message, "")
	}
	return nil
}

func group(broker string) error {
	topic, admin, err := makeTopic(broker, 4)
	if err != nil {
		return err
	}
	defer admin.Close()
	acked, err := fill(broker, topic, 400, config())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	name, found := named("group"), make(chan *sarama.ConsumerMessage, 4000)
	var running sync.WaitGroup
	join := func() (member, error) {
		m := member{found: found, claims: make(chan int, 100)}
		c := config()
		c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategySticky()}
		g, err := sarama.NewConsumerGroup([]string{broker}, name, c)
		if err != nil {
			return m, err
		}
		running.Go(func() {
			defer g.Close()
			for ctx.Err() == nil && g.Consume(ctx, []string{topic}, m) == nil {
			}
		})
		return m, nil
	}
	first, err := join()
	if err != nil {
		return err
	}
	if err := awaitClaims(first, 4); err != nil {
		return err
	}
	second, err := join()
	if err != nil {
		return err
	}
	if err := errors.Join(awaitClaims(first, 2), awaitClaims(second, 2), match(acked, found)); err != nil {
		return err
	}
	cancel()
	running.Wait()
	offsets, err := admin.ListConsumerGroupOffsets(name, map[string][]int32{topic: {0, 1, 2, 3}})
	if err != nil {
		return err
	}
	committed := int64(0)
	for partition := range int32(4) {
		committed += max(0, offsets.GetBlock(topic, partition).Offset)
	}
	if committed != 400 {
		return fmt.Errorf("400 were read, %d are committed", committed)
	}
	return nil
}

func awaitClaims(m member, wanted int) error {
	limit := time.After(20 * time.Second)
	for {
		select {
		case claimed := <-m.claims:
			if claimed == wanted {
				return nil
			}
		case <-limit:
			return fmt.Errorf("never had %d partitions", wanted)
		}
	}
}
