"""Who somebody is: local users here; a site's own sign-in stands beside it by the same port."""
