/**
 * How one language greets.
 *
 * @public
 */
export interface GreetingTemplate {
  /** The language's ISO 639-1 code, such as `en`. */
  language: string;
  /** The greeting, with `{name}` where the name goes. */
  template: string;
}

/**
 * A greeting that is ready to be shown.
 *
 * @public
 */
export interface Greeting {
  /** The language's ISO 639-1 code, such as `en`. */
  language: string;
  /** The greeting itself. */
  text: string;
}

/**
 * The body of the answer to `GET /api/greetings/greetings`.
 *
 * @public
 */
export interface GreetingsResponse {
  /** One greeting a language, in the order of the language codes. */
  greetings: Greeting[];
}
