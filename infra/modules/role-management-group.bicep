// One custom role at a management group, and its assignment where a principal is given.

targetScope = 'managementGroup'

@description('A role as script/roles.py writes it: name, description, actions, notActions.')
param role object
param suffix string
param principalId string

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(managementGroup().id, role.name, suffix)
  properties: {
    roleName: '${role.name} (${suffix}, ${managementGroup().name})'
    description: role.description
    type: 'CustomRole'
    assignableScopes: [managementGroup().id]
    permissions: [{ actions: role.actions, notActions: role.notActions }]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(managementGroup().id, role.name, principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: definition.id
  }
}

output roleId string = definition.id
