/**
 * What the greetings plugin's frontend and backend agree on.
 *
 * @packageDocumentation
 */

export { DEFAULT_NAME, composeGreeting } from './composeGreeting';
export type { Greeting, GreetingTemplate, GreetingsResponse } from './types';
