# debhelper sequence "schooltool-dbtools" (Build-Depends: dh-sequence-schooltool-dbtools).
use warnings;
use strict;
use Debian::Debhelper::Dh_Lib;

# Snippets of postinst run in the order in which the commands added them: ours has to come before those of
# dh_installinit and dh_installsystemd, which start the service. In dh's order dh_installinit is the first of
# the two.
insert_before('dh_installinit', 'dh_schooltool_dbtools');

1;
