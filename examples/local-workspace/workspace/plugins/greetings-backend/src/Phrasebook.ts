import {
  composeGreeting,
  type Greeting,
  type GreetingTemplate,
} from '@plugin-factory-example/plugin-greetings-common';

/** The languages that this backend can greet in. */
export class Phrasebook {
  readonly #templates = new Map<string, GreetingTemplate>();

  constructor(greetings: GreetingTemplate[]) {
    greetings.forEach(greeting => this.add(greeting));
  }

  /** Adds one language; throws when the language is already known. */
  add(greeting: GreetingTemplate): void {
    if (this.#templates.has(greeting.language)) {
      throw new Error(`A greeting in '${greeting.language}' is already known`);
    }
    this.#templates.set(greeting.language, greeting);
  }

  /** Returns the known language codes, sorted; only those in `wanted` when given. */
  languages(wanted?: string[]): string[] {
    const known = [...this.#templates.keys()].sort();
    return wanted ? known.filter(language => wanted.includes(language)) : known;
  }

  /** Returns one greeting a language, sorted by language code. */
  greet(name?: string, wanted?: string[]): Greeting[] {
    return this.languages(wanted).map(language =>
      composeGreeting(this.#templates.get(language)!, name),
    );
  }
}
