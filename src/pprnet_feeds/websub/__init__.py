"""WebSub, the publisher's side: one ping to each hub for each feed that changed."""
