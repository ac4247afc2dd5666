/**
 * Teaches the greetings plugin the Nordic languages.
 *
 * A portal that loads plugins at run time takes a package's default export; the
 * module's own source has only a named one, which stays.
 *
 * @packageDocumentation
 */

export { greetingsModuleNordic, greetingsModuleNordic as default } from './module';
