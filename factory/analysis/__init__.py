"""Pure functions over package.json and yarn.lock: plugins, hosts, build arguments, reasons."""
