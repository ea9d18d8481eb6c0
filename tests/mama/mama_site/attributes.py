"""What the server says about its user."""


def attributes(user, service):
    # Several values, markup, and letters beyond ASCII.
    return {
        "displayName": "Cäs <User> & Co",
        "mail": "casuser@example.org",
        "memberOf": ["staff", "cats & hatters", "猫"],
    }
