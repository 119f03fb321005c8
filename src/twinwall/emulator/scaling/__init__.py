"""Auto Scaling that lives: groups launch and terminate real instances of moto's EC2, hooks hold them, events tell.

    launch     Pending ─ hooks? ─ Pending:Wait ─ Pending:Proceed ─ InService
    terminate  Terminating ─ hooks? ─ Terminating:Wait ─ Terminating:Proceed ─ (gone)
    warm pool  the same with Warmed: before it, ending in Warmed:Stopped, :Running or :Hibernated

moto's own Auto Scaling knows neither hooks nor events nor half of the refusals (emulators.md), so that only its
launch configurations are used. Sources: aws-facts.md chapter 5, the Auto Scaling user guide and API model.
"""
