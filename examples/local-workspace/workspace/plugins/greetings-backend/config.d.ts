export interface Config {
  greetings?: {
    /**
     * The language codes to greet in. All known languages when left out.
     * @visibility backend
     */
    languages?: string[];
  };
}
