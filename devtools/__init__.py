"""What developers run beside the product: demo, simulation, sample instance, mail catcher, measures."""
