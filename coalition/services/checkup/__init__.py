"""Whether a set-up is right, as far as that can be known from this machine: keys, database, mail server, DNS."""
