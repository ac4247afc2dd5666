/**
 * Teaches the greetings plugin the Nordic languages.
 *
 * @packageDocumentation
 */

export { greetingsModuleNordic } from './module';
