"""What people decide: cases, contacts, who serves a host, tasks, sending again. Strangers to each other."""
