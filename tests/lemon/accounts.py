"""Writes the database with the one account of every server under test.

    accounts.py DATABASE

LemonLDAP::NG puts values into its answers as they are, so none of them has markup: the answer would be no XML.
"""

import sqlite3
import sys

with sqlite3.connect(sys.argv[1]) as database:
    database.execute("CREATE TABLE accounts (name, password, displayName, mail, memberOf)")
    database.execute(
        "INSERT INTO accounts VALUES (?, ?, ?, ?, ?)",
        # "; " separates values.
        ("casuser", "Mellon", "Cäs User", "casuser@example.org", "staff; cats and hatters; 猫"),
    )
