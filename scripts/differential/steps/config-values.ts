/** Names of configs with values that are taken or refused; the first of each is taken. Read by the steps that draw some. */
import { BROKER_CONFIGS } from '../../../apps/broker/src/controller/configs/broker-configs.ts';

export type Values = readonly (readonly [string, readonly string[]])[];

const LONGEST = '9223372036854775807';

export const TOPIC_VALUES: Values = [
  ['retention.ms', ['3600000', '-1', '-2', 'soon', '', LONGEST, '9223372036854775808']],
  ['retention.bytes', ['-1', '1048576', 'x', '1.5']],
  ['cleanup.policy', ['delete', 'compact', 'compact,delete', 'burn', '', 'delete,delete', ' delete ']],
  ['segment.bytes', ['1073741824', '14', '1048576', '2147483648']],
  ['segment.ms', ['604800000', '0', '1']],
  ['segment.jitter.ms', ['0', '1000', '-1']],
  ['segment.index.bytes', ['10485760', '4', '3']],
  ['max.message.bytes', ['1000', '0', '-1', '1048588']],
  ['min.insync.replicas', ['1', '0', '2']],
  ['compression.type', ['producer', 'gzip', 'uncompressed', 'brotli', 'zstd', 'GZIP', 'lz4', 'snappy']],
  ['compression.gzip.level', ['-1', '9', '0', '10']],
  ['compression.lz4.level', ['9', '1', '17', '18', '0']],
  ['compression.zstd.level', ['3', '-131072', '22', '23']],
  ['message.timestamp.type', ['CreateTime', 'LogAppendTime', 'Never', 'createtime']],
  ['message.timestamp.after.max.ms', ['3600000', '0', '-1']],
  ['message.timestamp.before.max.ms', [LONGEST, '86400000']],
  ['min.cleanable.dirty.ratio', ['0.5', '1.5', '0', '1', '.25', '-0.1', 'NaN', '1e-1']],
  ['min.compaction.lag.ms', ['0', '1000', '-1']],
  ['max.compaction.lag.ms', [LONGEST, '0', '1']],
  ['delete.retention.ms', ['86400000', '-1', '0']],
  ['flush.messages', ['1', '0', LONGEST]],
  ['flush.ms', ['1000', '-1', '0']],
  ['unclean.leader.election.enable', ['true', 'false', 'maybe', 'TRUE', ' true']],
  ['preallocate', ['false', 'true', 'no']],
  ['index.interval.bytes', ['4096', '-1', '0']],
  ['file.delete.delay.ms', ['60000', '-1', '0']],
  ['leader.replication.throttled.replicas', ['', '*', '0:1', '0:1,1:1', 'none', '0:x']],
  ['follower.replication.throttled.replicas', ['*', '0:1', '1']],
  ['remote.storage.enable', ['false', 'true']],
  ['local.retention.ms', ['-2', '-1', '1000', '-3']],
  ['local.retention.bytes', ['-2', '1000', '-3']],
  ['remote.log.delete.on.disable', ['false', 'true']],
  ['remote.log.copy.disable', ['false', 'true']],
  ['no.such.config', ['1']],
  ['message.format.version', ['3.0']],
];

export const GROUP_VALUES: Values = [
  ['consumer.session.timeout.ms', ['45000', '1', '60000', '60001', 'x']],
  ['consumer.heartbeat.interval.ms', ['5000', '1', '15000', '100000']],
  ['share.session.timeout.ms', ['45000', '1']],
  ['share.heartbeat.interval.ms', ['5000', '1']],
  ['share.record.lock.duration.ms', ['30000', '1', '15000', '60000', '60001']],
  ['share.auto.offset.reset', ['latest', 'earliest', 'none', 'by_duration:PT1H', 'by_duration:x']],
  ['share.isolation.level', ['read_committed', 'read_uncommitted', 'dirty']],
  ['streams.session.timeout.ms', ['45000', '1']],
  ['streams.heartbeat.interval.ms', ['5000', '1']],
  ['streams.num.standby.replicas', ['0', '2', '3', '-1']],
  ['no.such.config', ['1']],
];

export const CLIENT_METRICS_VALUES: Values = [
  ['interval.ms', ['300000', '100', '99', '3600000', '3600001', 'x']],
  ['metrics', ['', '*', 'org.apache.kafka.consumer.', 'a,b', 'a,a']],
  ['match', ['', 'client_id=abc', 'client_software_name=x.*,client_id=y', 'nobody=1', 'client_id=[', 'client_id']],
  ['no.such.config', ['1']],
];

/** Of those that Meridian has, they say where a broker runs and how many it serves. */
const OWN_CONFIGS = ['advertised.listeners', 'broker.id', 'listeners', 'log.dirs', 'max.connections', 'process.roles'];

/** Of a broker, those that both have and that say the same wherever it runs. */
export const BROKER_CONFIG_NAMES: readonly string[] = [
  ...[...BROKER_CONFIGS.keys()].filter((name) => !OWN_CONFIGS.includes(name)),
  'no.such.config',
];
