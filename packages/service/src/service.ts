/**
 * What every process of the platform shares: its shell, config, log and management port.
 * Imported by the apps. (The regions' loader is `@meridian/service/regions`: it brings TypeBox and yaml along,
 * which the processes themselves do not need.)
 */
export { type ConfigOf, parseConfig, readConfig } from './config.ts';
export { SERVICE_ERRORS, ServiceError, type ServiceErrorCode } from './errors.ts';
export { openPort } from './http-port.ts';
export { checkKafkaSettings, type KafkaEndpoint, kafkaEndpoint } from './kafka/kafka-endpoint.ts';
export { KAFKA_SETTINGS, type KafkaSettings } from './kafka/kafka-settings.ts';
export { checkLink, conflictOf, FAILBACK, linkName, linkSpec, type RegionEngines } from './links/link-check.ts';
export {
  type GapPolicy,
  LINK_SCHEMA,
  type LinkEntry,
  type LinkSpec,
  type NameSelector,
  REGION_NAME,
  type TopicSelector,
} from './links/link-schema.ts';
export { compileSelector, compileTopics, type NameMatcher } from './links/name-selector.ts';
export { createLogger, type LogLevel } from './logger.ts';
export { type ManagementRequest, type ManagementRoute, Refused } from './management-request.ts';
export { createManagementServer, type ManagementOptions, type ManagementServer } from './management-server.ts';
export { type ProcessDefinition, type RunningProcess, runProcess } from './process.ts';
export { checkSchema, type Problem, pathText, type Schema } from './schema.ts';
