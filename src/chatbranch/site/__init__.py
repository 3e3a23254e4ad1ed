"""Where the parts are wired together: settings, root addresses, base templates, processes, command line."""
