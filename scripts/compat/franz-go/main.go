// What franz-go does against a broker. `franz-go BROKER CHECK` runs one check and ends with 0, or with what was wrong.
// Called by ../franz-go.ts.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const records = 2000

var checks = map[string]func(context.Context, string) error{
	"idempotent":   roundTrip("idempotent"),
	"plain":        roundTrip("plain", kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck())),
	"gzip":         roundTrip("gzip", kgo.ProducerBatchCompression(kgo.GzipCompression())),
	"snappy":       roundTrip("snappy", kgo.ProducerBatchCompression(kgo.SnappyCompression())),
	"lz4":          roundTrip("lz4", kgo.ProducerBatchCompression(kgo.Lz4Compression())),
	"zstd":         roundTrip("zstd", kgo.ProducerBatchCompression(kgo.ZstdCompression())),
	"topics":       topics,
	"configs":      configs,
	"offsets":      offsets,
	"group":        group,
	"group-admin":  groupAdmin,
	"cluster-info": clusterInfo,
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

func client(broker string, options ...kgo.Opt) (*kgo.Client, *kadm.Client, error) {
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(broker)}, options...)...)
	if err != nil {
		return nil, nil, err
	}
	return c, kadm.NewClient(c), nil
}

// fill makes a topic and returns what was acknowledged, by place.
func fill(ctx context.Context, broker, topic string, partitions int32, count int, options ...kgo.Opt) (map[string]string, error) {
	c, admin, err := client(broker, options...)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := admin.CreateTopic(ctx, partitions, 1, nil, topic); err != nil {
		return nil, err
	}
	acked := map[string]string{}
	batch := make([]*kgo.Record, count)
	for n := range batch {
		batch[n] = &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", n%31), Value: fmt.Appendf(nil, "%s %d", topic, n)}
	}
	for _, result := range c.ProduceSync(ctx, batch...) {
		if result.Err != nil {
			return nil, result.Err
		}
		acked[place(result.Record)] = string(result.Record.Value)
	}
	if len(acked) != count {
		return nil, fmt.Errorf("%d places for %d records", len(acked), count)
	}
	return acked, nil
}

func place(r *kgo.Record) string { return fmt.Sprintf("%d/%d", r.Partition, r.Offset) }

// drain polls until count records have come, and compares each with what was acknowledged.
func drain(ctx context.Context, c *kgo.Client, acked map[string]string, count int) error {
	seen := map[string]bool{}
	for len(seen) < count {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("after %d of %d: %w", len(seen), count, err)
		}
		for _, r := range fetches.Records() {
			if acked[place(r)] != string(r.Value) || seen[place(r)] {
				return fmt.Errorf("%s is %q, not %q (seen: %v)", place(r), r.Value, acked[place(r)], seen[place(r)])
			}
			seen[place(r)] = true
		}
	}
	return nil
}

func roundTrip(name string, options ...kgo.Opt) func(context.Context, string) error {
	return func(ctx context.Context, broker string) error {
		topic := "acme.fg-" + name
		acked, err := fill(ctx, broker, topic, 3, records, options...)
		if err != nil {
			return err
		}
		c, _, err := client(broker, kgo.ConsumeTopics(topic))
		if err != nil {
			return err
		}
		defer c.Close()
		return drain(ctx, c, acked, records)
	}
}

func topics(ctx context.Context, broker string) error {
	c, admin, err := client(broker)
	if err != nil {
		return err
	}
	defer c.Close()
	made, err := admin.CreateTopic(ctx, 2, 1, map[string]*string{"cleanup.policy": kadm.StringPtr("compact")}, "acme.fg-made")
	if err != nil || made.NumPartitions != 2 {
		return fmt.Errorf("made %+v: %w", made, err)
	}
	if _, err = admin.CreateTopic(ctx, 2, 1, nil, "acme.fg-made"); !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("made twice: %v", err)
	}
	grown, err := admin.UpdatePartitions(ctx, 4, "acme.fg-made")
	if err = errors.Join(err, grown.Error()); err != nil {
		return err
	}
	listed, err := admin.ListTopics(ctx, "acme.fg-made")
	if err != nil || len(listed["acme.fg-made"].Partitions) != 4 {
		return fmt.Errorf("listed %+v: %v", listed, err)
	}
	if listed["acme.fg-made"].ID != made.ID {
		return fmt.Errorf("topic ids differ")
	}
	gone, err := admin.DeleteTopics(ctx, "acme.fg-made")
	return errors.Join(err, gone.Error())
}

func configs(ctx context.Context, broker string) error {
	c, admin, err := client(broker)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err = admin.CreateTopic(ctx, 1, 1, nil, "acme.fg-configs"); err != nil {
		return err
	}
	set := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: kadm.StringPtr("3600000")}}
	altered, err := admin.AlterTopicConfigs(ctx, set, "acme.fg-configs")
	if err != nil || altered[0].Err != nil {
		return fmt.Errorf("altered %+v: %v", altered, err)
	}
	described, err := admin.DescribeTopicConfigs(ctx, "acme.fg-configs")
	if err != nil {
		return err
	}
	for _, config := range described[0].Configs {
		if config.Key == "retention.ms" && *config.Value == "3600000" {
			return nil
		}
	}
	return fmt.Errorf("retention.ms is not what was set: %+v", described)
}

func offsets(ctx context.Context, broker string) error {
	if _, err := fill(ctx, broker, "acme.fg-offsets", 1, 100); err != nil {
		return err
	}
	c, admin, err := client(broker)
	if err != nil {
		return err
	}
	defer c.Close()
	cut := kadm.Offsets{}
	cut.AddOffset("acme.fg-offsets", 0, 30, -1)
	deleted, err := admin.DeleteRecords(ctx, cut)
	if err = errors.Join(err, deleted.Error()); err != nil {
		return err
	}
	start, err := admin.ListStartOffsets(ctx, "acme.fg-offsets")
	if at, _ := start.Lookup("acme.fg-offsets", 0); err != nil || at.Offset != 30 {
		return fmt.Errorf("start %+v: %v", start, err)
	}
	end, err := admin.ListCommittedOffsets(ctx, "acme.fg-offsets")
	if at, _ := end.Lookup("acme.fg-offsets", 0); err != nil || at.Offset != 100 {
		return fmt.Errorf("end %+v: %v", end, err)
	}
	return nil
}

func clusterInfo(ctx context.Context, broker string) error {
	c, admin, err := client(broker)
	if err != nil {
		return err
	}
	defer c.Close()
	metadata, err := admin.BrokerMetadata(ctx)
	if err != nil || len(metadata.Brokers) != 1 || metadata.Cluster == "" {
		return fmt.Errorf("metadata %+v: %v", metadata, err)
	}
	versions, err := admin.ApiVersions(ctx)
	if err != nil || len(versions) != 1 {
		return fmt.Errorf("versions %+v: %v", versions, err)
	}
	dirs, err := admin.DescribeAllLogDirs(ctx, nil)
	dirs.Each(func(dir kadm.DescribedLogDir) { err = errors.Join(err, dir.Err) })
	return err
}

// group: two members share six partitions; when one leaves, the other takes over where it committed.
func group(ctx context.Context, broker string) error {
	acked, err := fill(ctx, broker, "acme.fg-group", 6, records)
	if err != nil {
		return err
	}
	options := []kgo.Opt{
		kgo.ConsumerGroup("fg-group"), kgo.ConsumeTopics("acme.fg-group"), kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	}
	first, _, err := client(broker, options...)
	if err != nil {
		return err
	}
	defer first.Close()
	if err = drain(ctx, first, acked, records); err != nil {
		return err
	}
	if err = first.CommitUncommittedOffsets(ctx); err != nil {
		return err
	}
	second, admin, err := client(broker, options...)
	if err != nil {
		return err
	}
	defer second.Close()
	go func() {
		for ctx.Err() == nil && !first.PollFetches(ctx).IsClientClosed() {
		}
	}()
	go func() {
		for ctx.Err() == nil && !second.PollFetches(ctx).IsClientClosed() {
		}
	}()
	for {
		described, err := admin.DescribeGroups(ctx, "fg-group")
		if err = errors.Join(err, described.Error()); err != nil {
			return err
		}
		members := described["fg-group"].Members
		if described["fg-group"].State == "Stable" && len(members) == 2 && held(members[0]) == 3 && held(members[1]) == 3 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("never balanced: %+v", described)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func held(member kadm.DescribedGroupMember) int {
	assigned, _ := member.Assigned.AsConsumer()
	total := 0
	if assigned != nil {
		for _, topic := range assigned.Topics {
			total += len(topic.Partitions)
		}
	}
	return total
}

func groupAdmin(ctx context.Context, broker string) error {
	if _, err := fill(ctx, broker, "acme.fg-group-admin", 1, 100); err != nil {
		return err
	}
	c, admin, err := client(broker)
	if err != nil {
		return err
	}
	defer c.Close()
	commit := kadm.Offsets{}
	commit.AddOffset("acme.fg-group-admin", 0, 60, -1)
	if err = admin.CommitAllOffsets(ctx, "fg-admin", commit); err != nil {
		return err
	}
	lag, err := admin.Lag(ctx, "fg-admin")
	if err = errors.Join(err, lag.Error()); err != nil {
		return err
	}
	if total := lag["fg-admin"].Lag.Total(); total != 40 {
		return fmt.Errorf("lag is %d, not 40", total)
	}
	removed := kadm.TopicsSet{}
	removed.Add("acme.fg-group-admin", 0)
	results, err := admin.DeleteOffsets(ctx, "fg-admin", removed)
	if err = errors.Join(err, results.Error()); err != nil {
		return err
	}
	gone, err := admin.DeleteGroups(ctx, "fg-admin")
	return errors.Join(err, gone.Error())
}
